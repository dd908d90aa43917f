package blackbox

import (
	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
)

// take takes a record of a source, and answers when the window is full.
func (t *talk) take(line int64, rec record.Record) {
	at := place{rec.Partition, rec.Position}
	switch {
	case !t.resumed:
		t.giveUp(linkResume, "line %d is a record, before it was told where to resume", line)
		return
	case at.position != "" && t.before[at]:
		t.breaks(linkResume, "line %d is the record at position %s, which was delivered and saved in the run before", line, at.position)
	}
	t.records = append(t.records, sent{line: line, place: at})
	if t.open() > window {
		t.giveUp(linkCredit, "line %d is record %d without an answer, for a credit of %d", line, t.open(), window)
		return
	}
	switch {
	case t.asked:
		t.acknowledge()
	case len(t.records) >= 2*window:
		t.after(t.pause, t.finish)
	case t.open() == window:
		t.after(t.pause, func() { t.acknowledge(); t.wait() })
	default:
		t.wait()
	}
}

// acknowledge answers every record of a source.
func (t *talk) acknowledge() {
	var lines link.Ranges
	for i := range t.records {
		if !t.records[i].answered {
			t.records[i].answered = true
			lines = lines.Add(t.records[i].line)
		}
	}
	if lines != nil {
		t.write(link.Frame{Kind: link.Ack, Lines: lines})
	}
}

// save keeps a state, unless it claims what was not delivered.
func (t *talk) save(line int64, s link.State) {
	for partition, position := range s.Positions {
		waiting := int64(0)
		for _, r := range t.records {
			if r.partition != partition {
				continue
			}
			if !r.answered && waiting == 0 {
				waiting = r.line
			}
			if r.position == position && waiting != 0 {
				t.breaks(linkSave, "line %d saves position %s, and the record on line %d has no answer yet", line, position, waiting)
			}
		}
	}
	t.saved = s
	t.write(link.Frame{Kind: link.Saved, Line: line})
}

// positions counts the records from which a source could resume.
func (t *talk) positions() int {
	n := 0
	for _, r := range t.records {
		if r.position != "" && r.answered {
			n++
		}
	}
	return n
}

// savedPlaces are the places up to those that were saved.
func (t *talk) savedPlaces() map[place]bool {
	places := map[place]bool{}
	for partition, position := range t.saved.Positions {
		last := -1
		for i, r := range t.records {
			if r.partition == partition && r.position == position {
				last = i
			}
		}
		for _, r := range t.records[:last+1] {
			if r.partition == partition {
				places[r.place] = true
			}
		}
	}
	return places
}
