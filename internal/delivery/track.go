package delivery

import (
	"slices"
	"sync"
	"time"
)

// A tracker knows, for each partition, how far delivery has come without a gap.
type tracker struct {
	saved      bool // positions are saved, so that what moved is kept until it is taken
	mu         sync.Mutex
	partitions map[string]*line // those that a position is known of, or that something is open in
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

// position is where the connector resumes. What it has forgotten is forgotten for it at once.
func (l *line) position() string {
	if slices.ContainsFunc(l.slots, func(s *slot) bool { return s.forgets }) {
		return ""
	}
	return l.delivered
}

// A slot stands for a record, for a position that was reached without one, or for the end of a partition's life.
type slot struct {
	line     *line
	position string
	forgets  bool   // its partition is forgotten when it is reached
	done     moment // when it was delivered; any moment for one that nothing is before
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
	if l := t.partitions[partition]; l != nil && l.delivered == "" && !l.dirty && !l.torn && len(l.slots) == 0 {
		delete(t.partitions, partition)
	}
}

// position is where a partition resumes.
func (t *tracker) position(partition string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.partitions[partition]; l != nil {
		return l.position()
	}
	return ""
}

// known lists the partitions that resume somewhere, sorted.
func (t *tracker) known() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := make([]string, 0, len(t.partitions))
	for partition, l := range t.partitions {
		if l.position() != "" {
			known = append(known, partition)
		}
	}
	slices.Sort(known)
	return known
}

// add opens a slot at the end of its partition.
func (t *tracker) add(partition, position string) *slot {
	return t.enqueue(partition, &slot{position: position})
}

// forget ends the life of a partition as soon as everything before is delivered. What is added later belongs to the next.
func (t *tracker) forget(partition string) {
	t.settle(t.enqueue(partition, &slot{forgets: true}), true)
}

func (t *tracker) enqueue(partition string, s *slot) *slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.line(partition)
	if s.line = l; !l.torn {
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
	n, forgot := 0, false
	for n < len(l.slots) && l.slots[n].done != 0 {
		first := l.slots[n]
		if (first.position != "" || first.forgets) && first.position != l.delivered {
			l.delivered, l.dirty, moved = first.position, t.saved, t.saved
		}
		forgot = forgot || first.forgets
		l.slots[n] = nil
		n++
	}
	l.slots = l.slots[n:]
	if forgot {
		t.drop(l.partition)
	}
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

// take returns the positions that moved since the last call, empty for partitions that were forgotten, and all positions.
func (t *tracker) take() (moved, all map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	moved, all = map[string]string{}, map[string]string{}
	for partition, l := range t.partitions {
		if l.delivered != "" {
			all[partition] = l.delivered
		}
		if l.dirty {
			l.dirty = false
			moved[partition] = l.delivered
		}
	}
	t.saving, t.unsaved = earlier(t.saving, t.unsaved), 0
	return moved, all
}

// untake marks positions as moved again, after a save that failed.
func (t *tracker) untake(moved map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for partition := range moved {
		t.line(partition).dirty = true
	}
}

// kept notes that what was taken is saved.
func (t *tracker) kept(moved map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saving = 0
	for partition := range moved {
		t.drop(partition)
	}
}

// reset forgets what was handed over but not delivered, before the connector starts again from the delivered positions.
// Nothing may be in flight.
func (t *tracker) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for partition, l := range t.partitions {
		l.slots, l.torn = nil, false
		t.drop(partition)
	}
}

// settledAll is closed while nothing is in flight.
func (t *tracker) settledAll() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.idle
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
