package cloudevents

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A Mode is how events are put into requests.
type Mode string

// The modes of the HTTP binding.
const (
	Binary     Mode = "binary"     // one event a request, its attributes as headers, its data as the body
	Structured Mode = "structured" // one event a request, as JSON
	Batched    Mode = "batched"    // any number of events a request, as a JSON array
)

// Defaults of WriterConfig.
const (
	DefaultMaxInFlight  = 1024
	DefaultParallel     = 16
	DefaultBatchRecords = 500
	DefaultBatchBytes   = 1 << 20
	DefaultTimeout      = 30 * time.Second
)

// WriterConfig says where and how records are posted. Zero values mean the defaults.
type WriterConfig struct {
	// URL is http:// or https://. {topic} in its path stands for Topic; user information becomes basic authentication.
	URL string
	// Topic is the topic's name. It may be empty where the URL does not ask for it.
	Topic string
	// Source is the CloudEvents source of records that have none.
	Source string
	// Mode is Binary by default.
	Mode Mode
	// MaxInFlight bounds the records that were handed over and are not settled; Write blocks above it.
	MaxInFlight int
	// Parallel bounds the requests that are under way at once.
	Parallel int
	// BatchRecords and BatchBytes bound one request in the batched mode; bytes are those of its body. A single event may be
	// larger.
	BatchRecords, BatchBytes int
	// Timeout bounds one request, from the connection to the end of the answer. It is also what notices a peer that has
	// vanished without a word.
	Timeout time.Duration
	// StopAtFailure makes the writer a transport.Resumer in deed: the caller must call Resume after a failure.
	StopAtFailure bool
}

func (c *WriterConfig) setDefaults() error {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&c.MaxInFlight, DefaultMaxInFlight},
		{&c.Parallel, DefaultParallel},
		{&c.BatchRecords, DefaultBatchRecords},
		{&c.BatchBytes, DefaultBatchBytes},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	switch c.Mode {
	case "":
		c.Mode = Binary
	case Binary, Structured, Batched:
	default:
		return transport.Misconfigured("CloudEvents mode %q is not known: say binary, structured or batched", c.Mode)
	}
	if c.Source == "" {
		return transport.Misconfigured("CloudEvents need a source")
	}
	return nil
}

var errWriterClosed = errors.New("the writer is closed")

// NewWriter returns the producing end of a topic. It does not connect; the error is a ConfigError.
//
// A record is settled with nil only by an answer of 2xx. An answer that a retry cannot mend settles it with a
// transport.Rejected, one that names a time to wait with a transport.Delayed, everything else with a plain error. A record
// that cannot be written as a CloudEvent is refused by Write itself, as a transport.Rejected.
//
// Requests run in parallel, but the records of a partition go one after the other, and when one of them fails in a way that
// may pass, those that wait behind it fail with it, so that the caller can write all again in their order; with StopAtFailure
// so do those that it writes before it has heard of the failure. In the batched mode a request takes what has gathered while
// the one before was under way, of several partitions if need be; a batch that is refused for its content is halved until
// only the records at fault are refused.
func NewWriter(c WriterConfig) (transport.Writer, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	target, err := parseTarget(c.URL, c.Topic, false)
	if err != nil {
		return nil, err
	}
	w := &writer{
		cfg: c, poster: newPoster(target, c), slots: make(chan struct{}, c.MaxInFlight), lanes: map[laneKey]*lane{},
	}
	w.ctx, w.cancel = context.WithCancelCause(context.Background())
	return w, nil
}

// A writer hands records to lanes and the lanes, in turn, to as many workers as there may be requests.
type writer struct {
	cfg    WriterConfig
	poster *poster
	slots  chan struct{}   // one element for each record that is not settled
	ctx    context.Context // ends with Close
	cancel context.CancelCauseFunc
	active sync.WaitGroup // workers

	mu      sync.Mutex
	lanes   map[laneKey]*lane // with records to send, or being sent
	ready   []*lane           // waiting for a worker
	workers int
	log     ledger
	stopped error // the failure after which Write takes nothing until Resume
}

// An entry is a record on its way.
type entry struct {
	header  http.Header // in the binary mode
	body    []byte      // of the request, or one element of the batch
	settled func(error)
	done    bool
}

// Write implements transport.Writer.
func (w *writer) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	e, err := w.encode(&rec)
	if err != nil {
		return &transport.Rejected{Err: err}
	}
	e.settled = settled
	select {
	case w.slots <- struct{}{}:
	case <-w.ctx.Done():
		return errWriterClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		<-w.slots
		return errWriterClosed
	}
	if w.stopped != nil {
		<-w.slots
		return w.stopped
	}
	w.log.add(e)
	w.enqueue(w.laneFor(rec.Partition), e)
	return nil
}

// Resume implements transport.Resumer.
func (w *writer) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = nil
}

func (w *writer) encode(rec *record.Record) (*entry, error) {
	if w.cfg.Mode == Binary {
		header, err := encodeBinary(rec, w.cfg.Source)
		return &entry{header: header, body: rec.Value}, err
	}
	body, err := record.MarshalCloudEvent(*rec, w.cfg.Source)
	return &entry{body: body}, err
}

// settle gives entries their fate.
func (w *writer) settle(entries []*entry, err error) {
	for _, e := range entries {
		e.settled(err) // outside the lock: it is not ours
	}
	w.mu.Lock()
	w.log.remove(entries)
	w.mu.Unlock()
	for range entries {
		<-w.slots
	}
}

// Flush implements transport.Writer.
func (w *writer) Flush(ctx context.Context) error {
	w.mu.Lock()
	flushed := w.log.flushed()
	w.mu.Unlock()
	select {
	case <-flushed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close breaks off what is under way and settles with an error what has no answer.
func (w *writer) Close() error {
	w.mu.Lock()
	w.cancel(errWriterClosed)
	var left []*entry
	for _, l := range w.lanes {
		left = append(left, l.empty()...)
	}
	w.mu.Unlock()
	w.settle(left, errWriterClosed)
	w.active.Wait()
	w.poster.close()
	return nil
}

var (
	_ transport.Writer  = (*writer)(nil)
	_ transport.Resumer = (*writer)(nil)
)
