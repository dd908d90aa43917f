package delivery

import (
	"context"
	"fmt"
)

// lookBack calls show, which shows the transforms the topic's last records, trying again until the start timeout has passed. It
// reports whether the run is over before it has begun.
func (l *life) lookBack(show func(ctx context.Context) error) (over bool, err error) {
	if show == nil {
		return false, nil
	}
	backoff := Backoff{Cap: l.limits.RetryCap}
	for {
		ctx, cancel := context.WithDeadline(l.alive, l.limits.StartBy)
		err := show(ctx)
		cancel()
		if l.alive.Err() != nil {
			return true, l.ended()
		}
		if err == nil {
			return false, nil
		}
		wait := backoff.Next()
		if IsPermanent(err) || l.fallen(err, wait) {
			return true, fmt.Errorf("lookback: %w", err)
		}
		l.log.Warn("cannot look back on the topic, trying again", "wait", wait, "error", err)
		_ = Sleep(l.alive, wait) // whatever ended it is seen above
	}
}
