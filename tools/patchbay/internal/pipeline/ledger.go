package pipeline

import (
	"strconv"
	"sync"

	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/observe"
)

// A frame is a record as the source has sent it.
type frame struct {
	line int64  // its number among the source's lines
	data []byte // the whole frame, without an attempt
	size int    // bytes of key, headers and value
}

// An entry is a record on its way.
type entry struct {
	frame         // the line is 0 once the source that sent it has gone
	to      int64 // its line to the sink that runs; that of the one before it if it was settled before that sink ran
	attempt int   // deliveries so far
	settled bool
	since   observe.Stamp
}

// A ledger holds the records that the source has sent and that are not settled, in the order in which it sent them. What it
// holds goes to the sink within its credit, and again to the next sink when that one dies. Its methods are safe for
// concurrent use and do not block, room aside.
type ledger struct {
	window   int   // how many records the source may have unsettled
	maxBytes int64 // of all entries that are not settled
	metrics  *observe.Metrics

	mu      sync.Mutex
	base    []entry // the memory that entries is a part of
	entries []entry // settled ones at the beginning are dropped
	next    int     // index of the first that the sink was not sent
	open    int     // entries that are not settled
	bytes   int64   // of these
	settled int64   // entries settled so far
	source  *port   // hears what became of its records; nil while none runs
	sink    *port   // nil while none runs
	credit  int     // of the sink
	unacked int     // records that the sink has and has not answered
	changed chan struct{}
	backoff delivery.Backoff // of what is sent again though its source has gone
}

func newLedger(window int, maxBytes int64, m *observe.Metrics) *ledger {
	l := &ledger{window: window, maxBytes: maxBytes, metrics: m, changed: make(chan struct{})}
	m.OnInFlight(func() (int, int64) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.open, l.bytes
	})
	return l
}

// setSource says which source hears what becomes of the records that are added from now on. What another one has sent is
// answered to nobody.
func (l *ledger) setSource(p *port) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.source = p
	for i := range l.entries {
		l.entries[i].line = 0
	}
}

// setSink says which sink gets the records, from the first that is not settled; nil for none.
func (l *ledger) setSink(p *port) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sink, l.credit, l.unacked, l.next = p, 0, 0, 0
}

// add takes records of the source.
func (l *ledger) add(frames []frame) {
	if len(frames) == 0 {
		return
	}
	var bytes int64
	since := l.metrics.Start()
	l.mu.Lock()
	if len(l.entries) > 2*l.open+l.window { // one that is not settled keeps younger ones that are
		l.compact()
	}
	l.reserve(len(frames))
	for _, f := range frames {
		l.entries = append(l.entries, entry{frame: f, since: since})
		l.bytes += int64(len(f.data))
		bytes += int64(f.size)
	}
	l.open += len(frames)
	sink := l.sink
	l.mu.Unlock()
	l.metrics.Received(len(frames), bytes)
	l.metrics.Batch(len(frames))
	if sink != nil {
		sink.notify()
	}
}

// compact drops all entries that are settled. The mutex is held.
func (l *ledger) compact() {
	kept := l.entries[:0]
	next := l.next
	for i, e := range l.entries {
		if !e.settled {
			kept = append(kept, e)
		} else if i < l.next {
			next--
		}
	}
	clear(l.entries[len(kept):])
	l.entries, l.next = kept, next
}

// reserve makes room for n more entries: in the memory that dropped ones have left, if that is half of it. The mutex is held.
func (l *ledger) reserve(n int) {
	need := len(l.entries) + n
	if need <= cap(l.entries) {
		return
	}
	if base := l.base[:cap(l.base)]; 2*need > len(base) {
		l.base = make([]entry, 0, 4*need)
	}
	base := l.base[:cap(l.base)]
	kept := copy(base, l.entries)
	clear(base[kept:])
	l.entries = base[:kept]
}

// grant gives the sink credit for n more records.
func (l *ledger) grant(n int) {
	l.mu.Lock()
	l.credit += min(n, 1<<30-l.credit)
	sink := l.sink
	l.mu.Unlock()
	if sink != nil {
		sink.notify()
	}
}

// writeSize is how many bytes are written to a child at a time, if there are as many.
const writeSize = 64 << 10

// fill appends frames for the sink to buf, and returns the number of the last line that the sink was sent, given that of the
// last line before.
func (l *ledger) fill(buf []byte, line int64) ([]byte, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.next < len(l.entries) && l.unacked < l.credit && len(buf) < writeSize {
		e := &l.entries[l.next]
		l.next++
		if !e.settled {
			line++
			if e.attempt++; e.attempt > 1 {
				l.metrics.Retried(1)
			}
			l.unacked++
			buf = appendFrame(buf, e)
		}
		e.to = line
	}
	return buf, line
}

func appendFrame(buf []byte, e *entry) []byte {
	if e.attempt > 1 {
		buf = append(buf, e.data[:len(e.data)-1]...)
		buf = append(buf, `,"attempt":`...)
		buf = strconv.AppendInt(buf, int64(e.attempt), 10)
		return append(buf, "}\n"...)
	}
	buf = append(buf, e.data...)
	return append(buf, '\n')
}

// state returns how many records are not settled and how many are, and a channel that is closed when that changes.
func (l *ledger) state() (open int, settled int64, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, l.settled, l.changed
}

// room blocks until more of the source's lines may be read, or done is closed. A source that keeps to its credit is held
// back by bytes only: it may have lines to send that need no credit.
func (l *ledger) room(done <-chan struct{}) {
	for {
		l.mu.Lock()
		ok, changed := l.open <= l.window && l.bytes < l.maxBytes, l.changed
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-done:
			return
		}
	}
}
