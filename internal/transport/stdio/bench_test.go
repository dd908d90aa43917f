package stdio_test

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport/stdio"
)

func BenchmarkWriter(b *testing.B) {
	payloads := map[string]string{
		"small": `{"n":123456}`,
		"text":  "GET /index.html 200",
		"256B":  `{"message":"` + string(bytes.Repeat([]byte{'x'}, 242)) + `"}`,
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	for name, payload := range payloads {
		b.Run(name, func(b *testing.B) {
			w := stdio.NewWriter(null, stdio.WriterOptions{})
			defer w.Close()
			rec := record.Record{Value: []byte(payload)}
			settled := func(error) {}
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(b.Context(), rec, settled); err != nil {
					b.Fatal(err)
				}
			}
			if err := w.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkReader(b *testing.B) {
	line := []byte(`{"n":123456}` + "\n")
	r := stdio.NewReader(io.LimitReader(repeat{line}, int64(b.N*len(line))), stdio.ReaderOptions{})
	defer r.Close()
	b.ReportAllocs()
	n := 0
	for {
		msgs, err := r.Read(b.Context(), 1000, time.Second)
		n += len(msgs)
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if n != b.N {
		b.Fatalf("read %d of %d records", n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// repeat yields whole copies of a line.
type repeat struct{ line []byte }

func (r repeat) Read(p []byte) (int, error) {
	n := 0
	for n+len(r.line) <= len(p) {
		n += copy(p[n:], r.line)
	}
	if n == 0 { // the rest of a buffer that holds no whole line
		return copy(p, r.line), io.ErrUnexpectedEOF
	}
	return n, nil
}
