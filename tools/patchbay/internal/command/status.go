package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

// questionTimeout bounds what the broker is asked.
const questionTimeout = 10 * time.Second

type brokerStatus struct {
	JSON bool `help:"Print one JSON object."`
}

// report is what status prints. The address holds the token: to hand it to other NATS tools is what the command is for.
type report struct {
	URL     string         `json:"url"`
	PID     int            `json:"pid"`
	Store   string         `json:"store"`
	Streams []streamReport `json:"streams"`
}

type streamReport struct {
	Name      string   `json:"name"`
	Subjects  []string `json:"subjects"`
	Messages  uint64   `json:"messages"`
	Bytes     uint64   `json:"bytes"`
	Consumers int      `json:"consumers"`
}

// Run prints the status, or fails where no broker runs. It starts none.
func (b *brokerStatus) Run(ctx context.Context, s Surroundings) error {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	e, err := broker.Find(ctx, s.Env)
	if err != nil {
		return err
	}
	r := report{URL: e.URLWithToken(), PID: e.PID, Store: e.Store, Streams: []streamReport{}}
	if r.Streams, err = streams(ctx, e, r.Streams); err != nil {
		return fmt.Errorf("ask the local broker: %w", err)
	}
	if b.JSON {
		enc := json.NewEncoder(s.Stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.print(s.Stdout)
}

// streams appends what the broker holds, in the order of the names.
func streams(ctx context.Context, e broker.Endpoint, out []streamReport) ([]streamReport, error) {
	nc, err := natsgo.Connect(e.URL, natsgo.Token(e.Token), natsgo.Name("patchbay broker status"),
		natsgo.Timeout(questionTimeout), natsgo.NoReconnect())
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	list := js.ListStreams(ctx)
	for info := range list.Info() {
		out = append(out, streamReport{
			Name: info.Config.Name, Subjects: info.Config.Subjects, Messages: info.State.Msgs, Bytes: info.State.Bytes,
			Consumers: info.State.Consumers,
		})
	}
	return out, list.Err()
}

func (r report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "url\t%s\npid\t%d\nstore\t%s\n", r.URL, r.PID, r.Store)
	if len(r.Streams) == 0 {
		fmt.Fprintln(t, "streams\tnone")
	}
	if err := t.Flush(); err != nil || len(r.Streams) == 0 {
		return err
	}
	fmt.Fprint(w, "\n")
	fmt.Fprintln(t, "STREAM\tSUBJECTS\tMESSAGES\tBYTES\tCONSUMERS")
	for _, s := range r.Streams {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\n", s.Name, strings.Join(s.Subjects, ","), s.Messages, s.Bytes, s.Consumers)
	}
	return t.Flush()
}
