package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// askAgain is how often a process that waits for a lease asks for it.
const askAgain = 250 * time.Millisecond

// ErrLost is what Save returns in a process that no longer holds the lease, because another has taken it over. Trying again
// cannot help: what has been delivered since is the other's to say.
var ErrLost = errors.New("another process has taken over the saved position")

// ErrNotAcquired is what Save returns before Acquire.
var ErrNotAcquired = errors.New("the lease on the saved position has not been acquired")

// A Holder is a process that holds a lease.
type Holder struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"` // by its own clock: to be read by people, and not compared
}

// ThisProcess returns a Holder for the process that runs.
func ThisProcess() Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return Holder{Host: host, PID: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second)}
}

// ReadHolder reads what a Holder wrote as JSON. What cannot be read gives the zero Holder: the lease counts all the same.
func ReadHolder(data []byte) (h Holder) {
	if json.Unmarshal(data, &h) != nil {
		return Holder{}
	}
	return h
}

// String names the process.
func (h Holder) String() string {
	if h.PID == 0 {
		return "a process that did not say its name"
	}
	return fmt.Sprintf("process %d on %s, since %s", h.PID, h.Host, h.Since.Format(time.RFC3339))
}

// A HeldError says that another process holds the lease.
type HeldError struct {
	Holder Holder
	// Alive says that the process is known to live. Else it may have been killed, and the lease may be free soon.
	Alive bool
}

// Error names the process.
func (e *HeldError) Error() string {
	return "another process uses the same saved position: " + e.Holder.String()
}

// Acquire gets the lease of a store, asking again and again while another process holds it. Each time it is held, held is
// called first, and its error, if any, is returned. Each try may take as long as within. Acquire blocks.
func Acquire(ctx context.Context, s Leased, within time.Duration, lost func(error), held func(*HeldError) error) error {
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, within)
		err := s.Acquire(try, lost)
		cancel()
		var other *HeldError
		if !errors.As(err, &other) {
			return err
		}
		if err := held(other); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// IfDead is for callers of Acquire that do not wait for a process that is alive.
func IfDead(h *HeldError) error {
	if h.Alive {
		return h
	}
	return nil
}
