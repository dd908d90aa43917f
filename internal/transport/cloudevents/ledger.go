package cloudevents

// A ledger keeps account of the entries that are not settled, in the order in which they came, so that a flush knows when all
// before it are.
type ledger struct {
	open    []*entry // from the oldest that is not settled; settled ones may stand between
	first   uint64   // the number of open[0]
	waiting []flush  // by number
}

type flush struct {
	before uint64 // entries with smaller numbers are waited for
	done   chan struct{}
}

func (l *ledger) add(e *entry) { l.open = append(l.open, e) }

// remove notes that entries are settled.
func (l *ledger) remove(entries []*entry) {
	for _, e := range entries {
		e.done = true
	}
	n := 0
	for n < len(l.open) && l.open[n].done {
		l.open[n] = nil
		n++
	}
	l.open = l.open[n:]
	l.first += uint64(n)
	for len(l.waiting) > 0 && l.waiting[0].before <= l.first {
		close(l.waiting[0].done)
		l.waiting = l.waiting[1:]
	}
}

// flushed returns a channel that is closed once every entry that is here now is settled.
func (l *ledger) flushed() <-chan struct{} {
	done := make(chan struct{})
	if len(l.open) == 0 {
		close(done)
		return done
	}
	l.waiting = append(l.waiting, flush{l.first + uint64(len(l.open)), done})
	return done
}
