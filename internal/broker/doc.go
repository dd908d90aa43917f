// Package broker finds the local broker and starts it where none runs.
//
// The local broker is `patchbay broker`: a NATS server on the loopback interface, one per user, shared by all connectors
// that name no broker of their own. It announces itself in a file that only its user can read. The package holds what
// connectors need to find and start it; the server itself is part of the patchbay tool.
package broker

import "errors"

// ErrNotRunning is returned by Find where no local broker answers.
var ErrNotRunning = errors.New("no local broker is running")

// UnavailableError says that there is no local broker and that none could be started.
type UnavailableError struct {
	// Err is what stood in the way.
	Err error
}

// Error names the cause and the ways out, on one line.
func (e *UnavailableError) Error() string {
	return "no local broker: " + e.Err.Error() +
		"; put the patchbay binary beside this connector or name it in PATCHBAY_BIN," +
		" or name a NATS server with --broker URL, or use standard input and output with --topic -"
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }
