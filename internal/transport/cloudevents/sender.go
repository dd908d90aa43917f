package cloudevents

import (
	"context"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A Sender posts events one by one, for those who have an order and a policy of retries of their own. It is safe for
// concurrent use.
type Sender struct{ w *writer }

// NewSender returns a Sender. It does not connect; the error is a ConfigError. Of the configuration, MaxInFlight and the
// fields of the batched mode do not matter; that mode makes a batch of each event.
func NewSender(c WriterConfig) (*Sender, error) {
	w, err := NewWriter(c)
	if err != nil {
		return nil, err
	}
	return &Sender{w.(*writer)}, nil
}

// Send posts a record once and blocks until it is answered, the timeout has passed or ctx ends. The error is as of what a
// Writer settles records with. unfit says that it was not posted, since it cannot be written as an event.
func (s *Sender) Send(ctx context.Context, rec record.Record) (unfit bool, err error) {
	e, err := s.w.encode(&rec)
	if err != nil {
		return true, &transport.Rejected{Err: err}
	}
	return false, s.w.poster.post(ctx, []*entry{e})
}

// Close closes idle connections.
func (s *Sender) Close() error { return s.w.Close() }
