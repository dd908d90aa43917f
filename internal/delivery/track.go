package delivery

import (
	"slices"
	"sync"
	"time"
)

// A tracker knows, for each partition, how far delivery has come without a gap. Where transforms keep a state, which stands for
// all that went through them in whatever partition, the partitions form one line, and positions move with that state.
type tracker struct {
	saved      bool // positions are saved, so that what moved is kept until it is taken
	mu         sync.Mutex
	partitions map[string]*line // those that a position is known of, or that something is open in
	whole      *whole           // nil where transforms keep nothing
	open       int              // slots that are not settled
	idle       chan struct{}    // closed while open is 0
	moved      chan struct{}    // gets an element after a position moved
	unsaved    moment           // when the first position moved that nobody has taken since
	saving     moment           // the same of those that were taken, until they are kept
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
	partition string
	slots     []*slot
	torn      bool   // something behind slots failed, so that nothing behind it counts until the connector starts again
	delivered string // empty before the first position, and after the partition was forgotten
	dirty     bool   // delivered or forgotten since it was last taken
}

// A slot stands for a record, for a position that was reached without one, or for the end of a partition's life.
type slot struct {
	line     *line // of its partition
	position string
	forgets  bool   // its partition is forgotten when it is reached
	done     moment // when it was delivered; any moment for one that nothing is before
	record   bool   // it stands for a record
	gone     bool   // something before it failed, so that it does not count
	held            // where transforms keep a state
}

// newTracker begins with saved positions. saved says whether those that are reached will be, too.
func newTracker(positions map[string]string, saved bool) *tracker {
	t := &tracker{saved: saved, partitions: map[string]*line{}, idle: make(chan struct{}), moved: make(chan struct{}, 1)}
	close(t.idle)
	for partition, position := range positions {
		t.line(partition).delivered = position
	}
	return t
}

// line returns the line of a partition, which it makes if need be. The mutex is held.
func (t *tracker) line(partition string) *line {
	l := t.partitions[partition]
	if l == nil {
		l = &line{partition: partition}
		t.partitions[partition] = l
	}
	return l
}

// drop lets go of a line that holds nothing. The mutex is held.
func (t *tracker) drop(partition string) {
	if l := t.partitions[partition]; l != nil && l.delivered == "" && !l.dirty && !l.torn && !t.awaits(l, anySlot) {
		delete(t.partitions, partition)
	}
}

// awaits reports whether a partition has such a slot that does not count yet. The mutex is held.
func (t *tracker) awaits(l *line, such func(*slot) bool) bool {
	of := func(s *slot) bool { return s.line == l && such(s) }
	return slices.ContainsFunc(t.queue(l).slots, of) || t.whole != nil && slices.ContainsFunc(t.whole.behind, of)
}

func anySlot(*slot) bool        { return true }
func (s *slot) forgetful() bool { return s.forgets }

// resumes is where the connector goes on in a partition. What it has forgotten is forgotten for it at once. The mutex is held.
func (t *tracker) resumes(l *line) string {
	if t.awaits(l, (*slot).forgetful) {
		return ""
	}
	return l.delivered
}

// position is where a partition resumes.
func (t *tracker) position(partition string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.partitions[partition]; l != nil {
		return t.resumes(l)
	}
	return ""
}

// known lists the partitions that resume somewhere, sorted.
func (t *tracker) known() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := make([]string, 0, len(t.partitions))
	for partition, l := range t.partitions {
		if t.resumes(l) != "" {
			known = append(known, partition)
		}
	}
	slices.Sort(known)
	return known
}

// add opens a slot at the end of its partition: for a record, or for a position alone.
func (t *tracker) add(partition, position string, record bool) *slot {
	return t.enqueue(partition, &slot{position: position, record: record})
}

// forget ends the life of a partition as soon as everything before is delivered. What is added later belongs to the next.
func (t *tracker) forget(partition string) {
	t.settle(t.enqueue(partition, &slot{forgets: true}), true)
}

func (t *tracker) enqueue(partition string, s *slot) *slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.line = t.line(partition)
	if q := t.queue(s.line); !q.torn {
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
	var forgot []string
	for n < len(q.slots) && q.slots[n].done != 0 {
		first := q.slots[n]
		if first.forgets {
			forgot = append(forgot, first.line.partition)
		}
		moved = t.pass(first) || moved
		q.slots[n] = nil
		n++
	}
	q.slots = q.slots[n:]
	for _, partition := range forgot {
		t.drop(partition)
	}
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
		return t.whole.pass(s, t.saved)
	}
	return s.line.reach(s, t.saved)
}

// reach moves a partition to the position of a slot, or forgets it. It reports whether there is something new to save, as
// there never is where nothing is saved.
func (l *line) reach(s *slot, saved bool) bool {
	if s.position == "" && !s.forgets || s.position == l.delivered {
		return false
	}
	l.delivered, l.dirty = s.position, saved
	return saved
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
	moved      map[string]string // those that are new, empty for partitions that were forgotten
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
		if l.delivered != "" {
			c.positions[partition] = l.delivered
		}
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
	for partition := range t.partitions {
		t.drop(partition)
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
		t.line(partition).dirty = true
	}
	if w := t.whole; w != nil {
		w.dirty, w.passed = true, slices.Concat(c.waiting, w.passed)
	}
}

// kept notes that a cut is saved.
func (t *tracker) kept(c cut) {
	t.mu.Lock()
	t.saving = 0
	for partition := range c.moved {
		t.drop(partition)
	}
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
