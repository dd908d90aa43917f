package observe

import (
	"strings"
	"sync/atomic"
	"time"
)

// Info says whose metrics they are.
type Info struct {
	Name      string // of the instance; the label that every series carries
	Connector string
	Version   string
	Direction string // source, sink, or empty for a program that is both
	Topic     string
}

// Metrics counts what one instance does and knows how it is doing. It has a fixed set of series, those of
// docs/metrics.md.
//
// All methods are safe for concurrent use. Those that count or measure neither block nor allocate. A nil *Metrics is
// valid and counts nothing, so that nobody has to ask whether metrics are wanted.
type Metrics struct {
	info   Info
	labels string // of every series

	received, receivedBytes   atomic.Uint64
	delivered, deliveredBytes atomic.Uint64
	filtered, skipped         atomic.Uint64
	deadLettered, retried     atomic.Uint64
	restarts, saveErrors      atomic.Uint64

	batches *histogram // in records
	latency *histogram // in microseconds, as are saves
	saves   *histogram

	inFlight    atomic.Pointer[func() (records int, bytes int64)]
	lag         atomic.Pointer[func() (records int64, known bool)]
	positionAge atomic.Pointer[func() (age time.Duration, known bool)]

	health *health
}

// NewMetrics returns the metrics of an instance that is starting: every counter is 0 and every part is down.
func NewMetrics(info Info) *Metrics {
	return &Metrics{
		info: info, labels: label("name", info.Name),
		batches: newHistogram(batchBounds), latency: newHistogram(latencyBounds), saves: newHistogram(latencyBounds),
		health: newHealth(time.Now),
	}
}

// Received counts records, with their bytes, that came in: sent by a source, or read from the topic for a sink.
func (m *Metrics) Received(records int, bytes int64) {
	if m != nil {
		m.received.Add(uint64(records))
		m.receivedBytes.Add(uint64(bytes))
	}
}

// Delivered counts records, with their bytes, that the topic (of a source) or the target (of a sink) has for good.
func (m *Metrics) Delivered(records int, bytes int64) {
	if m != nil {
		m.delivered.Add(uint64(records))
		m.deliveredBytes.Add(uint64(bytes))
	}
}

// Filtered counts records that the transforms dropped.
func (m *Metrics) Filtered(records int) {
	if m != nil {
		m.filtered.Add(uint64(records))
	}
}

// Skipped counts records that failed and were given up, as --on-error skip asks.
func (m *Metrics) Skipped(records int) {
	if m != nil {
		m.skipped.Add(uint64(records))
	}
}

// DeadLettered counts records that the dead-letter topic has acknowledged.
func (m *Metrics) DeadLettered(records int) {
	if m != nil {
		m.deadLettered.Add(uint64(records))
	}
}

// Retried counts records that are tried again, once for each further try.
func (m *Metrics) Retried(records int) {
	if m != nil {
		m.retried.Add(uint64(records))
	}
}

// Restarted counts a session that follows one that failed.
func (m *Metrics) Restarted() {
	if m != nil {
		m.restarts.Add(1)
	}
}

// Batch notes how many records were handed over in one call: by a source that sends, or to a sink that writes.
func (m *Metrics) Batch(records int) {
	if m != nil {
		m.batches.observe(uint64(records))
	}
}

// A Stamp is a moment to measure from. The zero Stamp is no moment: what is measured from it is not counted.
type Stamp int64

var epoch = time.Now() // reading the monotonic clock alone is half the price of time.Now

// Start returns the moment of the call; the zero Stamp if m is nil, without a look at the clock.
func (m *Metrics) Start() Stamp {
	if m == nil {
		return 0
	}
	return Stamp(time.Since(epoch) + 1)
}

// since is the time from a stamp to now, in microseconds.
func (s Stamp) since() uint64 {
	return uint64(time.Since(epoch)+1-time.Duration(s)) / uint64(time.Microsecond)
}

// Latency notes that what began at start is done: the publishing of a record by a source, the writing of a batch by a
// sink.
func (m *Metrics) Latency(start Stamp) {
	if m != nil && start != 0 {
		m.latency.observe(start.since())
	}
}

// Saved notes that the saving of a position, which began at start, succeeded or failed.
func (m *Metrics) Saved(start Stamp, err error) {
	switch {
	case m == nil || start == 0:
	case err != nil:
		m.saveErrors.Add(1)
	default:
		m.saves.observe(start.since())
	}
}

// OnInFlight names the function that tells what is in flight: not acknowledged yet. It is called, from any goroutine,
// when somebody looks; it must not block. A later function replaces it; nil takes the series away. So do OnLag and
// OnPositionAge.
func (m *Metrics) OnInFlight(f func() (records int, bytes int64)) {
	if m != nil {
		set(&m.inFlight, f, f == nil)
	}
}

// OnLag names the function that tells how many records the topic holds that were not read yet, if that is known.
func (m *Metrics) OnLag(f func() (records int64, known bool)) {
	if m != nil {
		set(&m.lag, f, f == nil)
	}
}

// OnPositionAge names the function that tells how long the oldest delivery that no saved position covers has been
// waiting, 0 if there is none.
func (m *Metrics) OnPositionAge(f func() (age time.Duration, known bool)) {
	if m != nil {
		set(&m.positionAge, f, f == nil)
	}
}

func set[F any](p *atomic.Pointer[F], f F, none bool) {
	if none {
		p.Store(nil)
		return
	}
	p.Store(&f)
}

// label writes one label of a series.
func label(name, value string) string {
	return name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value) + `"`
}
