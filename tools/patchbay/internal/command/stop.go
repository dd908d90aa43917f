package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/patchbay-dev/patchbay/internal/broker"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/localbroker"
)

// stopTimeout is how long a broker may take to end.
const stopTimeout = 30 * time.Second

type brokerStop struct{}

// Run stops the broker and returns once it is gone. Where none runs there is nothing to do.
func (b *brokerStop) Run(ctx context.Context, s Surroundings) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	e, err := broker.Find(ctx, s.Env)
	if errors.Is(err, broker.ErrNotRunning) {
		fmt.Fprintf(s.Stderr, "patchbay: %v\n", broker.ErrNotRunning)
		return nil
	}
	if err != nil {
		return err
	}
	// The server answered under the name in the file, so the process in the file is the broker.
	process, err := os.FindProcess(e.PID)
	if err != nil {
		return fmt.Errorf("stop the local broker: %w", err)
	}
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the local broker (process %d): %w", e.PID, err)
	}
	if err := localbroker.AwaitEnd(ctx, e); err != nil {
		return fmt.Errorf("the local broker (process %d) does not end: %w", e.PID, err)
	}
	return nil
}
