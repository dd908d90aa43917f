package commontest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/internal/delivery"
)

// A SinkRun is a sink that runs.
type SinkRun struct {
	t      testing.TB
	given  int // records
	topic  *topic
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// StartSink runs a sink in the background on the records given; the topic ends after them. The options are parsed anew for
// every session. The run ends with the test.
func StartSink[T any, P interface {
	*T
	common.Sink
}](t testing.TB, c Config, records []common.Record, args ...string) *SinkRun {
	t.Helper()
	Options[T](t, args...) // so that wrong options fail here
	return startSink(t, c, records, func() common.Sink { return P(Options[T](t, args...)) })
}

func startSink(t testing.TB, c Config, records []common.Record, fresh func() common.Sink) *SinkRun {
	ctx, cancel := context.WithCancel(context.Background())
	r := &SinkRun{t: t, given: len(records), topic: newTopic(c, records...), cancel: cancel, done: make(chan struct{})}
	size := c.BatchSize
	if size == 0 {
		size = 500
	}
	config := delivery.SinkConfig{
		Instance: delivery.Instance{Name: "test", Connector: "test", Topic: "test"},
		Limits:   c.limits(), Failures: delivery.Failures{On: delivery.OnError(c.onError())},
		Reader: r.topic, Log: logger(t), BatchSize: size,
		Session: func() (func(context.Context, *delivery.Input) error, error) {
			own := fresh()
			return func(ctx context.Context, in *delivery.Input) error { return own.Run(ctx, in) }, nil
		},
	}
	go func() {
		defer close(r.done)
		r.err = delivery.RunSink(ctx, config)
	}()
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

// Wait waits for the sink to end and returns its error.
func (r *SinkRun) Wait() error {
	r.t.Helper()
	select {
	case <-r.done:
		return r.err
	case <-time.After(Patience):
		r.t.Fatalf("the sink did not end within %s; %s", Patience, r.blame())
		return nil
	}
}

// blame says what a sink most likely lacks that does not end.
func (r *SinkRun) blame() string {
	if n := r.given - len(r.Acknowledged()); n > 0 {
		return fmt.Sprintf("%d records are not acknowledged: settle each batch with Ack or Fail, or leave that to common.Each", n)
	}
	return "Run must return when its context ends"
}

// Stop asks the sink to end, as SIGTERM does, waits for it and returns its error.
func (r *SinkRun) Stop() error {
	r.t.Helper()
	r.cancel()
	return r.Wait()
}

// Acknowledged returns the records that were acknowledged so far, in that order.
func (r *SinkRun) Acknowledged() []common.Record { return r.topic.acknowledged() }
