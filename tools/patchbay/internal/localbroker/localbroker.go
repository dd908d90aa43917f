// Package localbroker runs the local broker: a NATS server with JetStream in this process, for the programs of one user.
package localbroker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

const (
	// handOver is how long to wait for the data of a broker that is just ending or just starting.
	handOver = 15 * time.Second
	// readyTimeout is how long the server may take to open its data.
	readyTimeout = 2 * time.Minute
	// maxPayload is the size in bytes of the largest record. It is more than the server's own default of 1 MiB and no more
	// than its makers advise.
	maxPayload = 8 << 20
)

// Config says how to run a broker.
type Config struct {
	// Env says whose broker it is and where things lie.
	Env broker.Env
	// IdleTimeout is the time without clients after which the broker ends. 0 means never.
	IdleTimeout time.Duration
	// SyncAlways has every record on the disk before it is acknowledged; else that happens every two minutes.
	SyncAlways bool
	// Logger hears of start, end and problems.
	Logger *slog.Logger
}

// RunningError says that a broker of this user runs already.
type RunningError struct {
	// Endpoint is where it can be reached.
	Endpoint broker.Endpoint
}

// Error names the process and the address, without the token.
func (e *RunningError) Error() string {
	return fmt.Sprintf("a local broker runs already: process %d at %s", e.Endpoint.PID, e.Endpoint.URL)
}

// Run serves until ctx ends or nobody has needed the broker for the idle timeout, and returns nil then. Only one broker can
// hold a user's data; where one does, the error is a *RunningError.
func Run(ctx context.Context, c Config) (err error) {
	store, err := broker.StoreDir(c.Env)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(store, 0o700); err != nil {
		return fmt.Errorf("create the broker's data folder: %w", err)
	}
	file, err := broker.File(c.Env)
	if err != nil {
		return err
	}
	lock, err := claim(ctx, store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	token, err := loadToken(filepath.Join(store, "token"))
	if err != nil {
		return err
	}
	srv, err := startServer(ctx, store, token, c)
	if err != nil {
		return err
	}
	defer func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		c.Logger.Info("the local broker has ended")
	}()
	e := broker.Endpoint{
		URL: "nats://" + srv.Addr().String(), Token: token, ServerID: srv.ID(), PID: os.Getpid(), Store: store,
	}
	for _, path := range []string{broker.StoreFile(store), file} {
		if err := broker.WriteFile(path, e); err != nil {
			return err
		}
		// Before the server ends, so that nobody is sent to one that is about to.
		defer func() { err = errors.Join(err, broker.RemoveFile(path, e)) }()
	}
	c.Logger.Info("the local broker is ready", "url", e.URL, "store", store, "pid", e.PID)
	serve(ctx, srv, c)
	return nil
}

// AwaitEnd blocks until the broker that announced itself as e has ended, or ctx ends. A new one that serves the same data is
// a sign of that too.
func AwaitEnd(ctx context.Context, e broker.Endpoint) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		lock, err := broker.TryLock(lockFile(e.Store))
		if lock != nil {
			return lock.Unlock()
		}
		if err != nil {
			return err
		}
		if now, err := broker.ReadFile(broker.StoreFile(e.Store)); err == nil && now.ServerID != e.ServerID {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the end of the broker: %w", context.Cause(ctx))
		}
	}
}

func lockFile(store string) string { return filepath.Join(store, "lock") }

// claim makes this process the one that serves the data in store. Two servers on one store would destroy it.
func claim(ctx context.Context, store string) (*broker.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, handOver)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		lock, err := broker.TryLock(lockFile(store))
		if lock != nil || err != nil {
			return lock, err
		}
		if e, err := broker.ReadFile(broker.StoreFile(store)); err == nil && e.Probe(ctx) == nil {
			return nil, &RunningError{Endpoint: e}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("another process holds the data in %s and does not answer: %w", store, ctx.Err())
		}
	}
}

func startServer(ctx context.Context, store, token string, c Config) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName:             "patchbay-local-broker",
		Host:                   "127.0.0.1",
		Port:                   server.RANDOM_PORT,
		Authorization:          token,
		MaxPayload:             maxPayload,
		JetStream:              true,
		StoreDir:               store,
		SyncAlways:             c.SyncAlways,
		NoSigs:                 true, // signals are the command's
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the NATS server: %w", err)
	}
	log := &serverLog{log: c.Logger}
	srv.SetLogger(log, false, false)
	srv.Start()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for !srv.ReadyForConnections(100 * time.Millisecond) {
		if err := cmp.Or(log.fatal(), ctx.Err()); err != nil {
			srv.Shutdown()
			return nil, fmt.Errorf("the NATS server does not get ready: %w", err)
		}
	}
	return srv, nil
}

// serve returns when ctx has ended or the idle timeout is over.
func serve(ctx context.Context, srv *server.Server, c Config) {
	if c.IdleTimeout == 0 {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(min(time.Second, max(c.IdleTimeout/10, time.Millisecond)))
	defer ticker.Stop()
	busy := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if srv.NumClients() > 0 {
			busy = time.Now()
		}
		if time.Since(busy) >= c.IdleTimeout {
			c.Logger.Info("nobody needs the local broker", "idle", c.IdleTimeout)
			return
		}
	}
}
