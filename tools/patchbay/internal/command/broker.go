package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/localbroker"
)

type brokerCommands struct {
	Run    brokerRun    `cmd:"" default:"withargs" help:"Run the local broker until it is told to stop or nobody needs it (the default)."`
	Status brokerStatus `cmd:"" help:"Print where the local broker is, with its token, and what it holds. Status 1 if none runs."`
	Stop   brokerStop   `cmd:"" help:"Stop the local broker. What it holds stays."`
}

type brokerRun struct {
	IdleTimeout time.Duration `default:"5m" env:"PATCHBAY_BROKER_IDLE_TIMEOUT" help:"End after this time without clients; 0 means never."`
	Sync        string        `default:"interval" enum:"interval,always" env:"PATCHBAY_BROKER_SYNC" help:"When records are on disk for good: every 2 minutes, so that a power cut can lose what was acknowledged since, or always before the acknowledgement, which is slower (${enum})."`
}

// Validate is called by kong; what it finds is wrong usage.
func (b *brokerRun) Validate() error {
	if b.IdleTimeout < 0 {
		return fmt.Errorf("--idle-timeout: %v is negative; 0 means never", b.IdleTimeout)
	}
	return nil
}

// Run serves until ctx ends. Where a broker runs already that is what was asked for, so it is no error.
func (b *brokerRun) Run(ctx context.Context, s Surroundings) error {
	err := localbroker.Run(ctx, localbroker.Config{
		Env:         s.Env,
		IdleTimeout: b.IdleTimeout,
		SyncAlways:  b.Sync == "always",
		Logger:      slog.New(slog.NewTextHandler(s.Stderr, nil)),
	})
	if running := (*localbroker.RunningError)(nil); errors.As(err, &running) {
		fmt.Fprintf(s.Stderr, "patchbay: %v\n", err)
		return nil
	}
	return err
}
