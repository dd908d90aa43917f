package delivery

import (
	"errors"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// Permanent marks an error that no retry can mend. Returned by a connector's Run it ends the program with status 1; given
// to Batch.Fail it sends the record to the error policy.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }

// IsPermanent reports whether an error was marked by Permanent, or says that the topic refuses the record.
func IsPermanent(err error) bool {
	var p *permanent
	var r *transport.Rejected
	return errors.As(err, &p) || errors.As(err, &r)
}

// RetryAfter adds to an error how long the system asks to wait before the next try. Returned by a connector's Run it holds
// the next session back for so long, given to Batch.Fail the record; the usual back-off is the least.
func RetryAfter(err error, wait time.Duration) error {
	if err == nil || wait <= 0 {
		return err
	}
	return &transport.Delayed{Err: err, Wait: wait}
}

// waitFor is how long to wait before the next try after err, at the least.
func waitFor(err error, least time.Duration) time.Duration {
	var d *transport.Delayed
	if errors.As(err, &d) {
		return max(d.Wait, least)
	}
	return least
}

// errDone ends a session because everything that was asked for has been delivered.
var errDone = errors.New("done")

// errSessionOver is what a connector gets that uses its output after Run has returned.
var errSessionOver = errors.New("the session is over")
