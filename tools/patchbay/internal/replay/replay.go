// Package replay sends the records of dead letters to their topics again.
package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

const (
	readAtOnce = 256
	// confirmEvery is after how many letters their acknowledgements are confirmed, so that they do not pile up.
	confirmEvery = 4096
	// flushTimeout bounds the wait for what is under way when a pass ends.
	flushTimeout = 10 * time.Second
)

// Config says which letters are sent again, and where.
type Config struct {
	// Letters is where they come from, in a bounded pass. It keeps what is not acknowledged for another pass, if it can.
	Letters transport.Reader
	// Open returns the producing end of a topic. It is called once for each; Run closes what it returned.
	Open func(ctx context.Context, topic string) (transport.Writer, error)
	// To is the topic that all records are sent to. Empty means the one that each letter names.
	To string
	// Reason chooses letters by why their records died. Nil means all.
	Reason *regexp.Regexp
	// Max ends the pass after so many letters were chosen. 0 means no limit.
	Max int
	// List, if not nil, gets a line of JSON for each letter that is chosen, and nothing is sent.
	List io.Writer
	// MaxOpen is how many letters may stay unacknowledged before nothing more comes. 0 means any number.
	MaxOpen int
	// Patience is how long a pass waits for the next letter while there are some that it does not get.
	Patience time.Duration
}

// A Summary counts what became of the letters of a pass.
type Summary struct {
	Chosen        int   // handed to their topics, or listed
	Replayed      int   // stored by their topics
	Untransformed int   // of those chosen: as a source read them, before its transforms
	PassedOver    int   // not chosen
	Failed        int   // cannot be sent, and stay
	Failure       error // the first reason for that
}

// Run makes one pass over the letters. It blocks until every record that it sent is settled. A letter is acknowledged once the
// topic has acknowledged its record; all others stay where they are, those after an error too, so that another pass goes on
// with them. When ctx ends the pass ends with what is under way, which is no error. Run does not close Letters.
func Run(ctx context.Context, c Config) (Summary, error) {
	p := &pass{Config: c, writers: map[string]transport.Writer{}}
	err := p.read(ctx)
	return p.finish(err)
}

// A pass is one run over the letters.
type pass struct {
	Config
	writers map[string]transport.Writer

	mu      sync.Mutex // guards what follows: topics settle in their own time
	summary Summary
	broken  error // why going on is pointless
}

func (p *pass) read(ctx context.Context) error {
	for seen := 0; ; {
		patience, cancel := context.WithTimeout(ctx, p.Patience)
		letters, err := p.Letters.Read(patience, readAtOnce, 0)
		cancel()
		switch {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("no letter came for %v, and not all were seen: another replay may hold them, or the broker is away; "+
				"run this again", p.Patience)
		case err != nil:
			return err
		}
		for _, m := range letters {
			if p.full() {
				return nil
			}
			if err := p.consider(ctx, m); ctx.Err() != nil {
				return nil
			} else if err != nil {
				return err
			}
		}
		if p.full() {
			return nil
		}
		if n := p.open(); p.MaxOpen > 0 && n >= p.MaxOpen {
			return fmt.Errorf("%d letters were passed over, and the broker holds back what comes after them: replay some of them, or "+
				"remove them", n)
		}
		if seen += len(letters); seen >= confirmEvery {
			seen = 0
			if err := p.Letters.Flush(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// open counts the letters that were seen and stay.
func (p *pass) open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.summary.PassedOver + p.summary.Failed
	if p.List != nil {
		n += p.summary.Chosen
	}
	return n
}

func (p *pass) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Max > 0 && p.summary.Chosen >= p.Max
}

// consider sends a letter's record, if it is one of those that are wanted. An error ends the pass.
func (p *pass) consider(ctx context.Context, m transport.Message) error {
	l := describe(&m.Record)
	if p.Reason != nil && !p.Reason.MatchString(l.Reason) {
		p.count(func(s *Summary) { s.PassedOver++ })
		return nil
	}
	topic := p.To
	if topic == "" {
		topic = l.Topic
	}
	if err := CheckTopic(topic); err != nil {
		p.fail(&l, fmt.Errorf("it does not say which topic it is from; name one with --to: %w", err))
		return nil
	}
	p.count(func(s *Summary) {
		s.Chosen++
		if l.untransformed() {
			s.Untransformed++
		}
	})
	if p.List != nil {
		enc := json.NewEncoder(p.List)
		enc.SetEscapeHTML(false)
		return enc.Encode(l)
	}
	w, err := p.writer(ctx, topic)
	if err != nil {
		return err
	}
	settled := func(err error) { p.settle(&l, m, err) }
	if err := w.Write(ctx, revive(m.Record), settled); err != nil && ctx.Err() == nil {
		settled(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// settle notes the fate of a record that was handed over, or could not be. It does not block.
func (p *pass) settle(l *Letter, m transport.Message, err error) {
	var rejected *transport.Rejected
	switch {
	case errors.As(err, &rejected):
		p.fail(l, err)
		return
	case err == nil:
		p.count(func(s *Summary) { s.Replayed++ })
		if err = m.Ack(); err != nil {
			err = fmt.Errorf("a letter was replayed and will be again: %w", err)
		}
	}
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.broken == nil {
			p.broken = err
		}
	}
}

func (p *pass) fail(l *Letter, err error) {
	p.count(func(s *Summary) {
		s.Failed++
		if s.Failure == nil {
			s.Failure = fmt.Errorf("the letter of record %q: %w", l.ID, err)
		}
	})
}

func (p *pass) count(change func(*Summary)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.summary)
}

func (p *pass) writer(ctx context.Context, topic string) (transport.Writer, error) {
	if w := p.writers[topic]; w != nil {
		return w, nil
	}
	w, err := p.Open(ctx, topic)
	if err != nil {
		return nil, err
	}
	p.writers[topic] = w
	return w, nil
}

// finish waits for what is under way and closes the topics. What is not settled by then fails, and its letters stay.
func (p *pass) finish(err error) (Summary, error) {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	for topic, w := range p.writers {
		if flushErr := w.Flush(ctx); flushErr != nil && err == nil {
			err = fmt.Errorf("%s did not acknowledge everything within %v: %w", topic, flushTimeout, flushErr)
		}
		if closeErr := w.Close(); closeErr != nil && err == nil {
			err = closeErr
		}
	}
	if flushErr := p.Letters.Flush(ctx); flushErr != nil && err == nil {
		err = fmt.Errorf("letters were replayed and may be again: %w", flushErr)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		err = p.broken // it came first
	}
	return p.summary, err
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)

// CheckTopic returns an error unless name can be a topic on a broker.
func CheckTopic(name string) error {
	if len(name) > 201 || !topicName.MatchString(name) {
		return fmt.Errorf("%q is no topic name: letters, digits, dashes and underscores, in parts joined by dots", name)
	}
	return nil
}
