package delivery

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A stoppingTopic takes records one after the other and stops at a failure, as transport.Resumer demands.
type stoppingTopic struct {
	slow    string        // the value of the record that takes its time to get here
	entered chan struct{} // gets an element when it is on its way
	arrive  chan struct{} // lets it go on

	mu      sync.Mutex
	first   func(error) // settles the first record, which fails
	stopped bool
	written []string
	refused []string
}

func (s *stoppingTopic) Write(_ context.Context, rec record.Record, settled func(error)) error {
	value := string(rec.Value)
	if value == s.slow && s.entered != nil {
		entered := s.entered
		s.entered = nil
		entered <- struct{}{}
		<-s.arrive
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		s.refused = append(s.refused, value)
		return errAway
	case s.first == nil:
		s.first = settled
		return nil
	}
	s.written = append(s.written, value)
	go settled(nil)
	return nil
}

// fail settles the first record with an error.
func (s *stoppingTopic) fail() {
	s.mu.Lock()
	s.stopped = true
	settled := s.first
	s.mu.Unlock()
	settled(errAway)
}

func (s *stoppingTopic) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = false
}

func (s *stoppingTopic) Flush(context.Context) error { return nil }
func (s *stoppingTopic) Close() error                { return nil }

func (s *stoppingTopic) values() (written, refused []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.written), slices.Clone(s.refused)
}

var _ transport.Resumer = (*stoppingTopic)(nil)

func TestNothingOvertakesWhatIsWrittenAgain(t *testing.T) {
	topic := &stoppingTopic{slow: "2", entered: make(chan struct{}), arrive: make(chan struct{})}
	l := newLife(t.Context(), "source", testLimits(), quiet(), nil, nil)
	defer l.close()
	r := newRetry(topic, l, Backoff{Cap: time.Millisecond})
	defer r.Close()
	settled := make(chan error, 3)
	write := func(value string) {
		if err := r.Write(t.Context(), record.Record{Value: []byte(value)}, func(err error) { settled <- err }); err != nil {
			t.Error(err)
		}
	}
	entered := topic.entered
	write("1")
	go write("2")
	<-entered // it has seen no failure, and is not with the topic yet
	topic.fail()
	close(topic.arrive)
	for range 2 {
		if err := <-settled; err != nil {
			t.Fatal(err)
		}
	}
	write("3")
	written, refused := topic.values()
	mustEqual(t, "written", written, []string{"1", "2", "3"})
	mustEqual(t, "refused", refused, []string{"2"})
}
