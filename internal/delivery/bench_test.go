package delivery

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// An instantTopic takes and gives records at once, so that what is measured is delivery alone.
type instantTopic struct {
	left     int // records that a reader still gets
	messages []transport.Message
}

func (*instantTopic) Write(_ context.Context, _ record.Record, settled func(error)) error {
	settled(nil)
	return nil
}

func (t *instantTopic) Read(_ context.Context, max int, _ time.Duration) ([]transport.Message, error) {
	n := min(max, t.left, len(t.messages))
	if t.left -= n; n == 0 {
		return nil, io.EOF
	}
	return append([]transport.Message(nil), t.messages[:n]...), nil
}

func (*instantTopic) Flush(context.Context) error { return nil }
func (*instantTopic) Close() error                { return nil }

// withAndWithoutMetrics measures a run twice.
func withAndWithoutMetrics(b *testing.B, direction string, run func(b *testing.B, m *observe.Metrics) error) {
	for name, m := range map[string]*observe.Metrics{"metrics": newMetrics(direction), "none": nil} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			if err := run(b, m); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkSource sends records of 256 bytes, 100 in a call.
func BenchmarkSource(b *testing.B) {
	recs := make([]record.Record, 100)
	for i := range recs {
		recs[i] = record.Record{ID: "1", Value: make([]byte, 256)}
	}
	withAndWithoutMetrics(b, "source", func(b *testing.B, m *observe.Metrics) error {
		return runSource(b.Context(), SourceConfig{Writer: &instantTopic{}, Metrics: m},
			func(ctx context.Context, out *Output) error {
				for left := b.N; left > 0; left -= len(recs) {
					if err := out.Send(ctx, recs[:min(left, len(recs))]...); err != nil {
						return err
					}
				}
				return nil
			})
	})
}

// BenchmarkSink acknowledges records of 256 bytes in batches of 500.
func BenchmarkSink(b *testing.B) {
	messages := make([]transport.Message, 500)
	for i := range messages {
		messages[i] = transport.Message{
			Record: record.Record{ID: "1", Value: make([]byte, 256)}, Ack: func() error { return nil },
		}
	}
	limits := testLimits()
	limits.MaxInFlight = 4096
	withAndWithoutMetrics(b, "sink", func(b *testing.B, m *observe.Metrics) error {
		topic := &instantTopic{left: b.N, messages: messages}
		return runSink(b.Context(), SinkConfig{Limits: limits, Reader: topic, BatchSize: 500, Metrics: m}, all)
	})
}

// all is a sink that takes everything.
func all(ctx context.Context, in *Input) error {
	for {
		b, err := in.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b.Ack()
	}
}
