package repeats

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const prefetch = 3

var made = time.Unix(1_800_000_000, 0)

func meta(sequence, delivered uint64, stored time.Time) *jetstream.MsgMetadata {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: sequence}, NumDelivered: delivered, Timestamp: stored}
}

func TestWhatRepeats(t *testing.T) {
	for _, tt := range []struct {
		name string
		meta *jetstream.MsgMetadata
		want bool
	}{
		{"what is done and comes again", meta(1, 2, made), true},
		{"what is not done", meta(2, 2, made), false},
		{"what comes for the first time", meta(1, 1, made), false},
		{"the same number in a stream that was made anew", meta(1, 2, made.Add(1)), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := New(prefetch)
			f.Done(meta(1, 1, made))
			if got := f.Repeats(tt.meta); got != tt.want {
				t.Errorf("it repeats: %v", got)
			}
		})
	}
}

func TestWhatIsDoneIsRememberedForAWhile(t *testing.T) {
	for before := range 2 * prefetch { // wherever in a generation it is done
		f := New(prefetch)
		for range before {
			f.Repeats(meta(9, 1, made))
		}
		f.Done(meta(1, 1, made))
		for n := 1; n < 2*prefetch; n++ {
			f.Repeats(meta(9, 1, made))
		}
		if !f.Repeats(meta(1, 2, made)) {
			t.Errorf("after %d messages it is forgotten too early", before)
		}
		for range 2*prefetch + 1 {
			f.Repeats(meta(9, 1, made))
		}
		if len(f.young)+len(f.former) > 0 {
			t.Errorf("after %d messages it is never forgotten", before)
		}
	}
}
