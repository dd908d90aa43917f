package cloudevents

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
)

// BenchmarkLoopback measures the writer alone, against a server that throws everything away, and the writer with a reader.
// Every record is acknowledged.
func BenchmarkLoopback(b *testing.B) {
	for _, mode := range []Mode{Binary, Batched} {
		b.Run("writer/"+string(mode), func(b *testing.B) {
			url := serve(b, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
			writeAll(b, url, mode)
		})
		b.Run("both/"+string(mode), func(b *testing.B) {
			r, url := listen(b, ReaderConfig{MaxInFlight: 1 << 20})
			ctx, stop := context.WithCancel(b.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					ms, err := r.Read(ctx, 500, 20*time.Millisecond)
					if err != nil {
						return
					}
					for _, m := range ms {
						if err := m.Ack(); err != nil {
							b.Error(err)
						}
					}
				}
			}()
			writeAll(b, url, mode)
			stop()
			<-done
		})
	}
}

// writeAll writes records of 256 bytes in 16 partitions.
func writeAll(b *testing.B, url string, mode Mode) {
	b.Helper()
	w := newWriter(b, WriterConfig{URL: url, Mode: mode, MaxInFlight: 4096})
	value := make([]byte, 256)
	for i := range value {
		value[i] = 'a'
	}
	var failed atomic.Int64
	settled := func(err error) {
		if err != nil {
			failed.Add(1)
		}
	}
	b.SetBytes(256)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		rec := record.Record{ID: strconv.Itoa(i), Partition: strconv.Itoa(i % 16), Value: value}
		if err := w.Write(b.Context(), rec, settled); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(b.Context()); err != nil || failed.Load() > 0 {
		b.Fatal(err, failed.Load())
	}
}
