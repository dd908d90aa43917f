package link

import (
	"slices"
	"sort"
)

// A pending frame is one of ours that the other side has not answered.
type pending struct {
	line    int64
	kind    Kind
	settled func(error) // nil once it is answered
}

// waiting holds the pending frames in the order of their lines. Answers mostly come in that order.
type waiting struct {
	frames []pending
	open   int // frames that are pending
}

func (w *waiting) add(p pending) {
	if len(w.frames) > 2*w.open+64 { // old ones that are pending keep younger ones that are not
		w.frames = slices.DeleteFunc(w.frames, func(p pending) bool { return p.settled == nil })
	}
	w.frames = append(w.frames, p)
	w.open++
}

// take removes the frames with the lines of a range for which want holds, and appends what they are settled with.
func (w *waiting) take(r Range, want func(Kind) bool, settled []func(error)) []func(error) {
	i := 0
	if len(w.frames) > 0 && w.frames[0].line < r.First {
		i = sort.Search(len(w.frames), func(i int) bool { return w.frames[i].line >= r.First })
	}
	for ; i < len(w.frames) && w.frames[i].line <= r.Last; i++ {
		if p := &w.frames[i]; p.settled != nil && want(p.kind) {
			settled = append(settled, p.settled)
			p.settled = nil
			w.open--
		}
	}
	n := 0
	for n < len(w.frames) && w.frames[n].settled == nil {
		n++
	}
	w.frames = w.frames[n:]
	if w.open == 0 {
		w.frames = nil
	}
	return settled
}

// takeAll removes all frames.
func (w *waiting) takeAll() []func(error) {
	return w.take(Range{0, 1<<63 - 1}, func(Kind) bool { return true }, nil)
}

// oldest returns the line of the first pending frame, newest that of the last, for a list with open frames.
func (w *waiting) oldest() int64 { return w.frames[0].line }

func (w *waiting) newest() int64 {
	for i := len(w.frames) - 1; ; i-- {
		if w.frames[i].settled != nil {
			return w.frames[i].line
		}
	}
}
