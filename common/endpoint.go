package common

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/options"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
	"github.com/patchbay-dev/patchbay/internal/transport/stdio"
)

// An endpoint is a topic as one run sees it, with what goes with it.
type endpoint struct {
	writer transport.Writer // of a source
	reader transport.Reader // of a sink
	store  state.Store      // nil when no position is kept
	// recent returns the last n records of the topic, or of those that the sink's group is done with; nil where none are kept.
	recent func(ctx context.Context, n int) ([]record.Record, error)
	dead   func(ctx context.Context, rec record.Record, settled func(error)) error
	// scopeIDs says that the topic drops records by their ids, whoever has sent them.
	scopeIDs bool
	status   func(state string, err error) // nil when nobody asks
	stop     <-chan struct{}               // closed when the other side asks for the end; nil when it cannot
	broken   func() error                  // why the other side cannot be heard any more, if it should be; nil when it need not
	close    []func() error                // in reverse order
}

// Close releases everything, the last opened first.
func (e *endpoint) Close() {
	for i := len(e.close) - 1; i >= 0; i-- {
		_ = e.close[i]() // what had to be kept has been flushed before
	}
}

// An opening is what a run knows when it opens its topic.
type opening struct {
	w       world
	info    Info
	flags   shared
	name    string
	log     *slog.Logger
	metrics *observe.Metrics // nil when nobody wants them
	sources bool
	keeps   bool // the transforms come to something that is to be kept across restarts
}

// open connects to the topic that the flags name. It tries once; ctx bounds it.
func (o *opening) open(ctx context.Context) (*endpoint, error) {
	t, _, _, _, _ := o.flags.parts()
	e := &endpoint{}
	var err error
	switch {
	case t.Topic == "-" && t.Acks:
		err = o.openLink(e)
	case t.Topic == "-":
		o.openPlain(e)
	case cloudevents.Serves(t.Broker):
		err = o.openCloudEvents(ctx, e)
	default:
		err = o.openNATS(ctx, e)
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	o.openStore(e)
	return e, nil
}

// cloudEventsSource is the source attribute of CloudEvents: a path that names the connector and the instance.
func (o *opening) cloudEventsSource() string { return "patchbay/" + o.info.Name + "/" + o.name }

func (o *opening) openPlain(e *endpoint) {
	t, _, _, d, _ := o.flags.parts()
	format := stdio.Format(t.TopicFormat)
	if o.sources {
		e.writer = stdio.NewWriter(o.w.stdout, stdio.WriterOptions{Format: format, Source: o.cloudEventsSource()})
		e.close = append(e.close, e.writer.Close)
		return
	}
	e.reader = stdio.NewReader(o.w.stdin, stdio.ReaderOptions{Format: format, MaxBytes: int(d.MaxInFlightBytes)})
	e.close = append(e.close, e.reader.Close)
}

// openStore applies --state where it is given; else the topic's own way of keeping a state stays.
func (o *opening) openStore(e *endpoint) {
	kind, rest, _ := strings.Cut(saving(o.flags), ":")
	switch kind {
	case "none":
		e.store = nil
	case "file":
		e.store = state.NewFile(rest)
		e.close = append(e.close, e.store.Close)
	}
}

// saving is what --state says.
func saving(flags shared) string {
	switch f := flags.(type) {
	case *sourceFlags:
		return f.State.State
	case *sinkFlags:
		return f.State.State
	}
	return ""
}

// identity is the fingerprint of the options that name the resource that is read. Positions are only good for the same. It
// holds the oldest names, so that an option that is called otherwise now names what it did.
func identity(m *options.Model, settings options.Settings) string {
	named := map[string]any{}
	for _, o := range m.Options {
		if s, ok := settings[o.Name]; ok && o.Identity {
			named[o.OldestName()] = s.Value
		}
	}
	if len(named) == 0 {
		return ""
	}
	data, err := json.Marshal(named) // keys are sorted
	if err != nil {
		return fmt.Sprint(named)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}
