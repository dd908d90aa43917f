package delivery

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// A sentSlot is what the model below knows of a slot.
type sentSlot struct {
	*slot
	done, failed bool
}

// TestTrackerAgainstAModel does anything in any order to a tracker, and to a model of it that keeps everything and works out
// the positions from the beginning of the session: those of the longest run of slots that are delivered.
func TestTrackerAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		saved := map[string]string{"a": "old", "b": "old"}
		tracker := newTracker(saved, true)
		base, sent := maps.Clone(saved), map[string][]*sentSlot{}
		positions := func(p string) (delivered, known string) {
			delivered = base[p]
			slots := sent[p]
			for len(slots) > 0 && slots[0].done {
				if slots[0].position != "" || slots[0].forgets {
					delivered = slots[0].position
				}
				slots = slots[1:]
			}
			known = delivered
			for len(slots) > 0 && !slots[0].failed {
				if slots[0].forgets {
					known = ""
				}
				slots = slots[1:]
			}
			return delivered, known
		}
		var open []*sentSlot
		n := 0
		partition := rapid.SampledFrom([]string{"a", "b", "c"})
		var save *cut // that is under way
		take := func() {
			if save != nil {
				t.Skip()
			}
			taken := tracker.take()
			save = &taken
			for _, p := range []string{"a", "b", "c"} {
				delivered, _ := positions(p)
				if save.positions[p] != delivered {
					t.Fatalf("%s: %q is to be saved, want %q", p, save.positions[p], delivered)
				}
				if position, ok := save.moved[p]; position != delivered && ok || !ok && saved[p] != delivered {
					t.Fatalf("%s moved to %q (%t), %q is saved, want %q", p, position, ok, saved[p], delivered)
				}
			}
		}
		saveEnds := func(well bool) {
			switch {
			case save == nil:
				t.Skip()
			case well:
				tracker.kept(*save)
				saved = save.positions
			default:
				tracker.untake(*save)
			}
			save = nil
		}
		settle := func(delivered bool) {
			if len(open) == 0 {
				t.Skip()
			}
			i := rapid.IntRange(0, len(open)-1).Draw(t, "slot")
			s := open[i]
			open = slices.Delete(open, i, i+1)
			tracker.settle(s.slot, delivered)
			s.done, s.failed = delivered, !delivered
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				p := partition.Draw(t, "partition")
				n++
				s := &sentSlot{slot: tracker.add(p, rapid.SampledFrom([]string{"", "same", strconv.Itoa(n)}).Draw(t, "position"), true)}
				open, sent[p] = append(open, s), append(sent[p], s)
			},
			"forget": func(t *rapid.T) {
				p := partition.Draw(t, "partition")
				tracker.forget(p)
				sent[p] = append(sent[p], &sentSlot{slot: &slot{forgets: true}, done: true})
			},
			"deliver":      func(*rapid.T) { settle(true) },
			"fail":         func(*rapid.T) { settle(false) },
			"begin a save": func(*rapid.T) { take() },
			"save":         func(*rapid.T) { saveEnds(true) },
			"fail to save": func(*rapid.T) { saveEnds(false) },
			"begin a session": func(*rapid.T) {
				for len(open) > 0 {
					settle(false)
				}
				for p := range sent {
					base[p], _ = positions(p)
				}
				clear(sent)
				tracker.reset()
			},
			"": func(t *rapid.T) {
				for _, p := range []string{"a", "b", "c"} {
					_, known := positions(p)
					if got := tracker.position(p); got != known {
						t.Fatalf("%s resumes at %q, want %q", p, got, known)
					}
					if slices.Contains(tracker.known(), p) != (known != "") {
						t.Fatalf("%s resumes at %q and the partitions are %q", p, known, tracker.known())
					}
				}
			},
		})
		for len(open) > 0 {
			settle(true)
		}
		tracker.reset() // for what is behind a failure
		for _, p := range []string{"a", "b", "c"} {
			tracker.forget(p)
		}
		for range 2 { // the first may be under way
			last := tracker.take()
			if len(last.positions) > 0 {
				t.Fatalf("%v is to be saved after all were forgotten", last.positions)
			}
			tracker.kept(last)
		}
		if len(tracker.partitions) > 0 {
			t.Fatalf("%d partitions are remembered after all were forgotten", len(tracker.partitions))
		}
	})
}
