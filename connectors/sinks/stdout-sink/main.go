// Command stdout-sink is a sink that prints records, to be read by people or by the next program of a pipe.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/patchbay-dev/patchbay/common"
)

func main() {
	common.RunSink(common.Info{
		Name: "stdout-sink", Version: "0.1.0", Category: "Testing",
		Description: "Prints each record on standard output, as text, as JSON or as a CloudEvent.",
		Examples: []common.Example{
			{Title: "Print the payloads of a topic", Args: []string{"--topic", "demo"}},
			{Title: "Print ten records with their keys, times and headers", Args: []string{"--topic", "demo", "--format", "json", "--max-records", "10"}},
			{Title: "Watch what is new on a topic, as CloudEvents", Args: []string{"--topic", "demo", "--from", "latest", "--format", "cloudevents"}},
		},
	}, &Stdout{})
}

// Stdout holds the options that only this connector has.
type Stdout struct {
	Format string `help:"What is printed of a record: text is the payload as it is, json the whole record, cloudevents a CloudEvent in JSON; json and cloudevents take one line each." enum:"text,json,cloudevents" default:"text"`
}

// Run prints batch after batch. A record counts as written when the operating system has it.
func (s *Stdout) Run(ctx context.Context, in common.Input) error { return s.print(ctx, in, os.Stdout) }

// print writes each batch at once, so that what others write on the same output comes between lines, not within them. A
// record that the format cannot hold fails alone.
func (s *Stdout) print(ctx context.Context, in common.Input, out io.Writer) error {
	var lines []byte
	return common.Each(ctx, in, func(_ context.Context, recs []common.Record) error {
		lines = lines[:0]
		failed := map[int]error{}
		for i := range recs {
			n := len(lines)
			var err error
			if lines, err = appendRecord(lines, s.Format, &recs[i]); err != nil {
				lines = lines[:n]
				failed[i] = common.Permanent(err)
				continue
			}
			lines = append(lines, '\n')
		}
		if _, err := out.Write(lines); errors.Is(err, syscall.EPIPE) {
			return common.Permanent(err) // nobody reads any more, which ends a pipe in the ordinary way
		} else if err != nil {
			return err
		}
		if len(failed) > 0 {
			return &common.PartialError{Failed: failed}
		}
		return nil
	})
}
