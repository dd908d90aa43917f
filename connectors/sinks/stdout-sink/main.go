// Command stdout-sink is a sink that prints records, to be read by people or by the next program of a pipe.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/record"
)

func main() {
	common.RunSink(common.Info{
		Name: "stdout-sink", Version: "0.1.0", Category: "Testing",
		Description: "Prints each record on standard output, as text, as JSON or as a CloudEvent.",
		Examples: []common.Example{
			{Title: "Print the payloads of a topic", Args: []string{"--topic", "demo"}},
			{Title: "Print ten records with their keys, times and headers", Args: []string{"--topic", "demo", "--format", "json", "--max-records", "10"}},
		},
	}, &Stdout{})
}

// Stdout holds the options that only this connector has.
type Stdout struct {
	Format string `help:"What a line holds: text is the payload as it is, json the whole record, cloudevents a CloudEvent in JSON." enum:"text,json,cloudevents" default:"text"`
}

// Run prints batch after batch. A record counts as written when the operating system has it.
func (s *Stdout) Run(ctx context.Context, in common.Input) error {
	out := bufio.NewWriter(os.Stdout)
	return common.Each(ctx, in, func(_ context.Context, recs []common.Record) error {
		for i := range recs {
			line, err := s.line(&recs[i])
			if err != nil {
				return err
			}
			if _, err := out.Write(append(line, '\n')); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

// line formats one record, without the newline.
func (s *Stdout) line(rec *common.Record) ([]byte, error) {
	switch s.Format {
	case "cloudevents":
		return record.MarshalCloudEvent(*rec, "patchbay/stdout-sink")
	case "json":
		return json.Marshal(view(rec))
	}
	return bytes.Clone(rec.Value), nil
}
