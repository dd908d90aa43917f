package pipeline

import (
	"sort"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/internal/observe"
)

// ack settles what the sink has delivered, and tells the source.
func (l *ledger) ack(lines link.Ranges) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var answer link.Ranges
	var bytes int64
	n, first := 0, observe.Stamp(0)
	for _, r := range lines {
		for i := l.find(r.First); i < l.next && l.entries[i].to <= r.Last; i++ {
			e := &l.entries[i]
			if e.settled {
				continue
			}
			if n == 0 {
				first = e.since
			}
			n++
			bytes += int64(e.size)
			if e.line > 0 {
				answer = addLine(answer, e.line)
			}
			l.settle(e)
		}
	}
	l.drop()
	if len(answer) > 0 {
		l.source.put(link.Frame{Kind: link.Ack, Lines: answer})
	}
	if n > 0 {
		l.backoff.Reset()
		l.metrics.Delivered(n, bytes)
		l.metrics.Latency(first)
	}
}

// nack hands through to the source what the sink did not take: what becomes of it is the source's to decide. What has no source
// any more is sent again after the delay that the sink asks for, the usual back-off at the least. Where that is of no use, nobody
// is there to decide: lost counts such records, which stay unsettled.
func (l *ledger) nack(f *link.Frame) (lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var answer link.Ranges
	var again []entry
	for _, r := range f.Lines {
		for i := l.find(r.First); i < l.next && l.entries[i].to <= r.Last; i++ {
			e := &l.entries[i]
			switch {
			case e.settled:
			case e.line > 0:
				answer = addLine(answer, e.line)
				l.settle(e)
				l.metrics.Retried(1)
			case f.Permanent:
				lost++
			default: // it takes another place, for the lines to the sink go up
				again = append(again, *e)
				l.unacked--
				e.settled, e.data = true, nil
			}
		}
	}
	l.drop()
	if len(answer) > 0 {
		l.source.put(link.Frame{Kind: link.Nack, Lines: answer, Error: f.Error, Delay: f.Delay, Permanent: f.Permanent})
	}
	if len(again) > 0 {
		time.AfterFunc(max(f.Delay, l.backoff.Next()), func() { l.putBack(again) })
	}
	return lost
}

// putBack has the sink that runs by now sent what an earlier nack has taken out.
func (l *ledger) putBack(again []entry) {
	l.mu.Lock()
	l.reserve(len(again))
	l.entries = append(l.entries, again...)
	sink := l.sink
	l.mu.Unlock()
	if sink != nil {
		sink.notify()
	}
}

// find returns the index of the first entry that the sink was sent with a line, or a later one. The mutex is held.
func (l *ledger) find(line int64) int {
	if l.next == 0 || l.entries[0].to >= line {
		return 0
	}
	return sort.Search(l.next, func(i int) bool { return l.entries[i].to >= line })
}

// settle marks an entry that the sink has answered. The mutex is held.
func (l *ledger) settle(e *entry) {
	l.open--
	l.unacked--
	l.settled++
	l.bytes -= int64(len(e.data))
	e.settled, e.data = true, nil
}

// drop forgets settled entries at the beginning and wakes whoever waits. The mutex is held.
func (l *ledger) drop() {
	n := 0
	for n < len(l.entries) && l.entries[n].settled {
		n++
	}
	l.entries = l.entries[n:]
	l.next -= min(n, l.next)
	if l.sink != nil {
		l.sink.notify()
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// addLine adds a line to ranges; mostly it comes right after the last.
func addLine(r link.Ranges, line int64) link.Ranges {
	if n := len(r); n > 0 && r[n-1].Last == line-1 {
		r[n-1].Last = line
		return r
	}
	return r.Add(line)
}
