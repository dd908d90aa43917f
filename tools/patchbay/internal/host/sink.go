package host

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// The batches in which a sink's records are read. How the sink groups them is its own affair.
const (
	batchSize = 500
	batchWait = time.Millisecond
)

// RunSink reads r and has a sink write what it reads, until the topic ends, the sink fails for good, or ctx ends and what is
// under way is finished. It blocks. The error is nil after a clean end. r is left open.
func (i Instance) RunSink(ctx context.Context, r transport.Reader) error {
	i = i.withDefaults()
	var ever atomic.Bool
	return delivery.RunSink(ctx, delivery.SinkConfig{
		Instance: i.instance(), Limits: i.Limits, Failures: i.failures(),
		Reader: r, BatchSize: batchSize, BatchWait: batchWait, Log: i.Log, Status: i.Status,
		Session: func() (func(context.Context, *delivery.Input) error, error) {
			return func(ctx context.Context, in *delivery.Input) error {
				return newLife(i, &ever).sink(ctx, in)
			}, nil
		},
	})
}

// sink is the life of one sink. At the end of the input the child is asked to stop, and settles what it has. ctx ends when
// there is no time left for that.
func (l *life) sink(ctx context.Context, in *delivery.Input) error {
	child, err := link.StartSink(l.command(func() {}))
	if err != nil {
		return delivery.Permanent(err)
	}
	defer child.Close() // ends nothing that has ended by itself
	running, ended := context.WithCancel(ctx)
	defer ended()
	gone := make(chan error, 1)
	go func() {
		gone <- child.Wait(context.Background()) // ends with the child
		ended()
	}()
	for {
		batch, err := in.Next(running)
		if errors.Is(err, io.EOF) {
			child.Stop()
			break
		}
		if err != nil || l.hand(running, child, batch) != nil { // the child has ended, or there is no time left
			break
		}
	}
	select {
	case err := <-gone:
		return l.ending(err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hand sends a batch. The records settle later; those that the child never answers are left for the next child.
func (l *life) hand(ctx context.Context, child *link.Sink, batch *delivery.Batch) error {
	for i, rec := range batch.Records {
		err := child.Send(ctx, rec, 1, func(err error) {
			var nack *link.NackError
			switch {
			case err == nil:
				batch.AckRecord(i)
			case errors.As(err, &nack):
				batch.Fail(i, refusal(nack))
			}
		})
		var unfit *link.EncodeError
		if errors.As(err, &unfit) {
			batch.Fail(i, delivery.Permanent(err))
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refusal says what is to become of a record that the child did not take.
func refusal(nack *link.NackError) error {
	switch {
	case nack.Permanent:
		return delivery.Permanent(nack)
	case nack.Delay > 0:
		return delivery.RetryAfter(nack, nack.Delay)
	}
	return nack
}
