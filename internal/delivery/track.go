package delivery

import (
	"slices"
	"sync"
	"time"
)

// A tracker knows, for each partition, how far delivery has come without a gap.
type tracker struct {
	mu         sync.Mutex
	partitions map[string]*line
	open       int           // slots that are not settled
	idle       chan struct{} // closed while open is 0
	moved      chan struct{} // gets an element after a position moved
	unsaved    moment        // when the first position moved that nobody has taken since
	saving     moment        // the same of those that were taken, until they are kept
}

// A moment is a time on the monotonic clock, in nanoseconds since the program began; 0 is none.
type moment int64

var beginning = time.Now()

func now() moment { return moment(time.Since(beginning)) + 1 }

// earlier returns the first of two moments, where there are any.
func earlier(a, b moment) moment {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// A line is the queue of what was handed over in one partition, oldest first.
type line struct {
	slots     []*slot
	torn      bool // something behind slots failed, so that nothing behind it counts until the connector starts again
	delivered string
	dirty     bool // delivered since it was last taken
}

// A slot stands for a record, or for a position that was reached without one.
type slot struct {
	line     *line
	position string
	done     moment // when it was delivered; any moment for one that nothing is before
}

func newTracker(positions map[string]string) *tracker {
	t := &tracker{partitions: map[string]*line{}, idle: make(chan struct{}), moved: make(chan struct{}, 1)}
	close(t.idle)
	for partition, position := range positions {
		t.partitions[partition] = &line{delivered: position}
	}
	return t
}

// position is where a partition resumes.
func (t *tracker) position(partition string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.partitions[partition]; l != nil {
		return l.delivered
	}
	return ""
}

// add opens a slot at the end of its partition.
func (t *tracker) add(partition, position string) *slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.partitions[partition]
	if l == nil {
		l = &line{}
		t.partitions[partition] = l
	}
	s := &slot{line: l, position: position}
	if !l.torn {
		l.slots = append(l.slots, s)
	}
	if t.open == 0 {
		t.idle = make(chan struct{})
	}
	t.open++
	return s
}

// settle closes a slot. What failed keeps everything behind it from being counted as delivered, so that is forgotten.
func (t *tracker) settle(s *slot, delivered bool) {
	t.mu.Lock()
	l, moved := s.line, false
	if delivered {
		s.done = 1
		if len(l.slots) > 0 && l.slots[0] != s { // it waits for those before it
			s.done = now()
		}
	} else {
		if i := slices.Index(l.slots, s); i >= 0 {
			clear(l.slots[i:])
			l.slots, l.torn = l.slots[:i], true
		}
	}
	n := 0
	for n < len(l.slots) && l.slots[n].done != 0 {
		if position := l.slots[n].position; position != "" && position != l.delivered {
			l.delivered, l.dirty, moved = position, true, true
		}
		l.slots[n] = nil
		n++
	}
	l.slots = l.slots[n:]
	if moved && t.unsaved == 0 {
		t.unsaved = now()
	}
	if t.open--; t.open == 0 {
		close(t.idle)
	}
	t.mu.Unlock()
	if moved {
		t.signal()
	}
}

// signal tells that positions have moved. It does not block.
func (t *tracker) signal() {
	select {
	case t.moved <- struct{}{}:
	default:
	}
}

// take returns the positions that moved since the last call, and all positions.
func (t *tracker) take() (moved, all map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	moved, all = map[string]string{}, map[string]string{}
	for partition, l := range t.partitions {
		if l.delivered == "" {
			continue
		}
		all[partition] = l.delivered
		if l.dirty {
			l.dirty = false
			moved[partition] = l.delivered
		}
	}
	t.saving, t.unsaved = earlier(t.saving, t.unsaved), 0
	return moved, all
}

// reset forgets what was handed over but not delivered, before the connector starts again from the delivered positions.
// Nothing may be in flight.
func (t *tracker) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.partitions {
		l.slots, l.torn = nil, false
	}
}

// settledAll is closed while nothing is in flight.
func (t *tracker) settledAll() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.idle
}

// untake marks positions as moved again, after a save that failed.
func (t *tracker) untake(moved map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for partition := range moved {
		t.partitions[partition].dirty = true
	}
}

// kept notes that what was taken is saved.
func (t *tracker) kept() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saving = 0
}

// age tells how long the oldest delivery has been waiting that no saved position covers: because the save is due, or because
// one before it is not delivered. It is 0 where there is none, and always known.
func (t *tracker) age() (age time.Duration, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	oldest := earlier(t.unsaved, t.saving)
	for _, l := range t.partitions {
		for _, s := range l.slots {
			oldest = earlier(oldest, s.done)
		}
	}
	if oldest == 0 {
		return 0, true
	}
	return time.Duration(now() - oldest), true
}
