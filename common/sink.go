package common

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// A Sink writes to a system. The options struct implements it.
type Sink interface {
	// Run is one session: it opens what it needs, defers the closing, and writes batches until Next returns io.EOF. It blocks.
	//
	// When Run returns nil with everything settled, the program ends with status 0. On any other error, and when records are
	// left unsettled, a fresh value of the options struct runs after a back-off, and what was left unsettled is delivered
	// again, in order. A Permanent error ends the program with status 1. ctx ends some time (--shutdown-timeout) after the
	// user has asked for the end, so that what is being written can be finished.
	Run(ctx context.Context, in Input) error
}

// An Input gives a sink its records. Next is called by one goroutine at a time.
type Input interface {
	// Next blocks until there are records, and returns the next batch. Several batches may be open at a time. It returns
	// io.EOF when nothing more will come, or when the user has asked for the end: Run should settle what it holds and return
	// nil. Any other error means that ctx has ended.
	Next(ctx context.Context) (*Batch, error)
}

// Each is a Run for sinks that write one batch after the other: it calls write with the records of each batch. nil
// acknowledges them all. A *PartialError fails the records it names and acknowledges the others. Any other error is
// returned, so that a new session writes the whole batch again. Each returns nil when the input ends.
func Each(ctx context.Context, in Input, write func(ctx context.Context, recs []Record) error) error {
	for {
		batch, err := in.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = write(ctx, batch.Records)
		var partial *PartialError
		if errors.As(err, &partial) {
			for _, i := range slices.Sorted(maps.Keys(partial.Failed)) {
				batch.Fail(i, partial.Failed[i])
			}
		} else if err != nil {
			return err
		}
		batch.Ack()
	}
}

// A PartialError names the records of a batch that were not written, by their index, each with the reason. Every other
// record of the batch was written. A reason that is Permanent sends its record to the error policy; others are retried.
type PartialError struct{ Failed map[int]error }

// Error gives the reason of the first record that failed.
func (e *PartialError) Error() string {
	for _, i := range slices.Sorted(maps.Keys(e.Failed)) {
		return fmt.Sprintf("%d records were not written: %v", len(e.Failed), e.Failed[i])
	}
	return "some records were not written"
}

// RunSink runs a sink as a program and does not return: it reads the command line, does what the command says, and exits
// with the status. options is a pointer to the zero value of the options struct; it serves as a pattern only.
func RunSink(info Info, options Sink) {
	main(&program{info: info, direction: metadata.Sink, pattern: options})
}
