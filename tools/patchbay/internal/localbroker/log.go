package localbroker

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog passes on what the server has to say, and remembers the last error for when it does not start.
type serverLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last string
	dead bool
}

// Noticef drops the notices: the server has many of them at each start, and none that a user of connectors needs.
func (l *serverLog) Noticef(string, ...any) {}

// Warnf logs a warning.
func (l *serverLog) Warnf(format string, v ...any) { l.log.Warn(fmt.Sprintf(format, v...)) }

// Errorf logs an error.
func (l *serverLog) Errorf(format string, v ...any) { l.problem(fmt.Sprintf(format, v...)) }

// Fatalf logs an error after which the server never gets ready. It does not end the process.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.problem(fmt.Sprintf(format, v...))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// Debugf drops what it is given.
func (l *serverLog) Debugf(string, ...any) {}

// Tracef drops what it is given.
func (l *serverLog) Tracef(string, ...any) {}

func (l *serverLog) problem(text string) {
	l.log.Error(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = text
}

// fatal returns why the server will never get ready, nil while it may.
func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dead {
		return nil
	}
	return errors.New(l.last)
}

var _ server.Logger = (*serverLog)(nil)
