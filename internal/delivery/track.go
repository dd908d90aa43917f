package delivery

import (
	"slices"
	"sync"
	"time"
)

// A tracker knows, for each partition, how far delivery has come without a gap. Where transforms keep a state, which stands for
// all that went through them in whatever partition, the partitions form one line, and positions move with that state.
type tracker struct {
	mu         sync.Mutex
	partitions map[string]*line
	whole      *whole        // nil where transforms keep nothing
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
	line     *line // of its partition
	position string
	done     moment // when it was delivered; any moment for one that nothing is before
	record   bool   // it stands for a record
	gone     bool   // something before it failed, so that it does not count
	held            // where transforms keep a state
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

// add opens a slot at the end of its partition: for a record, or for a position alone.
func (t *tracker) add(partition, position string, record bool) *slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.partitions[partition]
	if l == nil {
		l = &line{}
		t.partitions[partition] = l
	}
	s := &slot{line: l, position: position, record: record}
	if q := t.queue(l); !q.torn {
		q.slots = append(q.slots, s)
	} else {
		s.gone = true
	}
	if t.open == 0 {
		t.idle = make(chan struct{})
	}
	t.open++
	return s
}

// queue is where the slots of a partition stand.
func (t *tracker) queue(l *line) *line {
	if t.whole != nil {
		return &t.whole.line
	}
	return l
}

// settle closes a slot. What failed keeps everything behind it from being counted as delivered, so that is forgotten.
func (t *tracker) settle(s *slot, delivered bool) {
	t.mu.Lock()
	q, moved := t.queue(s.line), false
	var lost []*slot
	switch {
	case s.gone:
		lost = append(lost, s)
	case delivered:
		s.done = 1
		if len(q.slots) > 0 && q.slots[0] != s { // it waits for those before it
			s.done = now()
		}
	default:
		if i := slices.Index(q.slots, s); i >= 0 {
			lost = slices.Clone(q.slots[i:])
			clear(q.slots[i:])
			q.slots, q.torn = q.slots[:i], true
		}
	}
	for _, s := range lost {
		s.gone = true
	}
	n := 0
	for n < len(q.slots) && q.slots[n].done != 0 {
		moved = t.pass(q.slots[n]) || moved
		q.slots[n] = nil
		n++
	}
	q.slots = q.slots[n:]
	if moved && t.unsaved == 0 {
		t.unsaved = now()
	}
	if t.open--; t.open == 0 {
		close(t.idle)
	}
	t.mu.Unlock()
	release(lost, errSessionOver)
	if moved {
		t.signal()
	}
}

// pass notes that a slot, and all before it, is delivered. It reports whether there is something new to save. The mutex is held.
func (t *tracker) pass(s *slot) (moved bool) {
	if t.whole != nil {
		return t.whole.pass(s)
	}
	return s.line.reach(s.position)
}

// reach moves a partition to a position, and reports whether that is another one than before.
func (l *line) reach(position string) bool {
	if position == "" || position == l.delivered {
		return false
	}
	l.delivered, l.dirty = position, true
	return true
}

// signal tells that positions have moved. It does not block.
func (t *tracker) signal() {
	select {
	case t.moved <- struct{}{}:
	default:
	}
}

// A cut is what there is to save: everything up to it is delivered, and nothing behind it counts.
type cut struct {
	positions  map[string]string // all
	moved      map[string]string // those that are new
	aggregates map[string]string // what the transforms had come to
	waiting    []*slot           // of records whose source is told once the cut is saved
	changed    bool              // since the cut before
}

// take returns what is delivered, to be saved: kept or untake tells what came of that.
func (t *tracker) take() cut {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := cut{moved: map[string]string{}, positions: map[string]string{}}
	for partition, l := range t.partitions {
		if l.delivered == "" {
			continue
		}
		c.positions[partition] = l.delivered
		if l.dirty {
			l.dirty = false
			c.moved[partition] = l.delivered
		}
	}
	c.changed = len(c.moved) > 0
	if w := t.whole; w != nil {
		c.aggregates, c.waiting = w.aggregates, w.passed
		c.changed = c.changed || w.dirty || len(c.waiting) > 0
		w.passed, w.dirty = nil, false
	}
	t.saving, t.unsaved = earlier(t.saving, t.unsaved), 0
	return c
}

// reset forgets what was handed over but not delivered, before the connector starts again from the delivered positions.
// Nothing may be in flight. It returns what the transforms start again from.
func (t *tracker) reset() (aggregates map[string]string) {
	t.mu.Lock()
	var lost []*slot
	for _, l := range t.partitions {
		l.slots, l.torn = nil, false
	}
	if t.whole != nil {
		lost, aggregates = t.whole.reset(), t.whole.aggregates
	}
	t.mu.Unlock()
	release(lost, errSessionOver)
	return aggregates
}

// settledAll is closed while nothing is in flight.
func (t *tracker) settledAll() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.idle
}

// untake takes a cut back, after a save that failed.
func (t *tracker) untake(c cut) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for partition := range c.moved {
		t.partitions[partition].dirty = true
	}
	if w := t.whole; w != nil {
		w.dirty, w.passed = true, slices.Concat(c.waiting, w.passed)
	}
}

// kept notes that a cut is saved.
func (t *tracker) kept(c cut) {
	t.mu.Lock()
	t.saving = 0
	t.mu.Unlock()
	release(c.waiting, nil)
}

// age tells how long the oldest delivery has been waiting that no saved position covers: because the save is due, or because
// one before it is not delivered. It is 0 where there is none, and always known.
func (t *tracker) age() (age time.Duration, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	oldest := earlier(t.unsaved, t.saving)
	look := func(slots []*slot) {
		for _, s := range slots {
			oldest = earlier(oldest, s.done)
		}
	}
	for _, l := range t.partitions {
		look(l.slots)
	}
	if t.whole != nil {
		look(t.whole.slots)
		look(t.whole.behind)
	}
	if oldest == 0 {
		return 0, true
	}
	return time.Duration(now() - oldest), true
}
