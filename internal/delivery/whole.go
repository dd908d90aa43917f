package delivery

// A whole is the line of all partitions together, for transforms that keep a state: what they have come to stands for every
// record that went through, so the positions of all partitions must be those of one moment. Such moments are the ends of the
// batches that went through the transforms.
type whole struct {
	line
	aggregates map[string]string // what the transforms had come to at the last moment that is delivered
	dirty      bool              // since it was last taken
	behind     []*slot           // that are delivered, but behind that moment
	within     bool              // some of these are records, which the transforms have counted
	passed     []*slot           // whose source waits for the save
}

// held is what a slot knows where transforms keep a state. Everything is guarded by the mutex of the tracker.
type held struct {
	marked     bool              // the transforms have come to aggregates with it
	aggregates map[string]string // never changed
	told       func(error)       // the source, once the slot is saved, or will never be; nil for none
}

// keep makes the tracker expect transforms that keep a state, which begins as aggregates. It is called before add.
func (t *tracker) keep(aggregates map[string]string) { t.whole = &whole{aggregates: aggregates} }

// mark notes what the transforms have come to with the record of a slot, which is not settled yet.
func (t *tracker) mark(s *slot, aggregates map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.marked, s.aggregates = true, aggregates
}

// settleSaved is settle for a record that is delivered and whose source must not be told before that is saved: it keeps no
// position, and gives again after a crash what it was not told of.
func (t *tracker) settleSaved(s *slot, told func(error)) {
	t.mu.Lock()
	s.told = told
	t.mu.Unlock()
	t.settle(s, true)
}

// withdraw closes the slot of a record that never came to the transforms and that no position stands for: it leaves no gap.
func (t *tracker) withdraw(s *slot) {
	t.mu.Lock()
	s.record = false
	t.mu.Unlock()
	t.settle(s, true)
}

// pass notes that a slot, and all before it, is delivered, and reports whether there is something new to save. saved tells
// whether positions are.
func (w *whole) pass(s *slot, saved bool) (moved bool) {
	w.behind = append(w.behind, s)
	w.within = w.within || s.record
	if s.marked {
		w.within, w.dirty, w.aggregates = false, true, s.aggregates
		moved = true
	}
	if w.within {
		return false
	}
	for _, s := range w.behind {
		moved = s.line.reach(s, saved) || moved
		if s.told != nil {
			w.passed = append(w.passed, s)
			moved = true
		}
	}
	clear(w.behind)
	w.behind = w.behind[:0]
	return moved
}

// reset forgets what is behind the last moment, and returns it.
func (w *whole) reset() (lost []*slot) {
	lost = append(w.behind, w.slots...)
	w.behind, w.within, w.slots, w.torn = nil, false, nil, false
	return lost
}

// waiting reports whether a source waits for the next save.
func (t *tracker) waiting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.whole != nil && len(t.whole.passed) > 0
}

// release tells the sources of records that wait for a save how it went.
func release(slots []*slot, err error) {
	for _, s := range slots {
		if s.told != nil {
			s.told(err)
		}
	}
}
