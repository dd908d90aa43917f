package pipeline

import (
	"bytes"
	"io"
	"testing"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/observe"
)

// BenchmarkPassOn is the driver's own part of a record's way, in memory: read, checked, noted, written, acknowledged.
func BenchmarkPassOn(b *testing.B) {
	line := append([]byte(`{"record":{"id":"abcdefghij","position":"12345","value":"`+string(bytes.Repeat([]byte("x"), 256))+`"}}`), '\n')
	r := &run{engine: engine{Limits: Limits{Window: 4096, MaxBytes: 64 << 20}, metrics: observe.NewMetrics(observe.Info{Name: "b"})}}
	r.ledger = newLedger(r.Window, r.MaxBytes, r.metrics)
	r.source = &side{r: r}
	source, sink := &port{wake: make(chan struct{}, 1)}, &port{wake: make(chan struct{}, 1)}
	r.ledger.setSource(source)
	r.ledger.setSink(sink)
	r.ledger.grant(4096)
	lines := link.NewLineReader(&endless{line: line, left: b.N}, link.MaxLine)
	var frames []frame
	var buf []byte
	var last int64
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	b.ResetTimer()
	for {
		batch, err := lines.Next()
		if err != nil {
			break
		}
		if frames, err = r.fromSource(batch, frames[:0], nil); err != nil {
			b.Fatal(err)
		}
		r.ledger.add(frames)
		for first := last; ; first = last {
			if buf, last = r.ledger.fill(buf[:0], first); last == first {
				break
			}
			r.ledger.ack(link.Ranges{{First: first + 1, Last: last}})
		}
		buf, _ = source.take(buf[:0], 0)
	}
	if _, settled, _ := r.ledger.state(); settled != int64(b.N) {
		b.Fatalf("%d of %d records are settled", settled, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// endless yields a line so many times.
type endless struct {
	line []byte
	left int
	rest []byte
}

// Read implements io.Reader.
func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(e.rest) == 0 {
			if e.left == 0 {
				if n == 0 {
					err = io.EOF
				}
				return n, err
			}
			e.left--
			e.rest = e.line
		}
		c := copy(p[n:], e.rest)
		e.rest, n = e.rest[c:], n+c
	}
	return n, nil
}
