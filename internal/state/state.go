// Package state keeps the positions from which a source resumes, for one process at a time.
package state

import (
	"context"
	"crypto/rand"
	"time"
)

// A State is everything kept for one named instance of a source.
type State struct {
	// Connector is the connector's name; a state is never read by another connector.
	Connector string `json:"connector"`
	// Identity is the fingerprint of the options that name the resource being read. Positions are only meaningful for the
	// same resource.
	Identity string `json:"identity,omitempty"`
	// Epoch changes when positions are set or reset by hand, so that identifiers derived from positions change too.
	Epoch string `json:"epoch,omitempty"`
	// Positions holds the position of each partition after the last record delivered without a gap.
	Positions map[string]string `json:"positions"`
	// Aggregates holds what each transform that aggregates had come to at these positions, under a name that the transforms
	// give it. Like positions it may be any bytes.
	Aggregates map[string]string `json:"aggregates,omitempty"`
}

// NewEpoch returns an epoch that no state had before.
func NewEpoch() string { return rand.Text() }

// A Store keeps the State of one named instance. Load and Save are called by one goroutine at a time.
type Store interface {
	// Load returns what was saved, or nil if nothing ever was. Damage is an error, never an empty state.
	Load(ctx context.Context) (*State, error)
	// Save replaces what was saved. When it returns nil, the state survives a crash of the process.
	Save(ctx context.Context, s *State) error
	// Close releases the store.
	Close() error
}

// A Leased is a Store that many processes may open and one at a time may save to: the one that holds the lease. Save
// without it is an error. Close gives it up, so that the next process gets it at once; that of a process that was killed is
// free a few seconds later at the latest.
type Leased interface {
	Store
	// Acquire tries once to get the lease; it waits for no other process. While another one holds it, the error is a
	// *HeldError. A process that is thought dead may turn out to be alive: then its saves fail with ErrLost, and so do ours if
	// that happens to us; lost, which may be nil, is called with that error as soon as it is known, once at most, from any
	// goroutine. What is loaded after Acquire is the last that any other process has saved or ever will.
	Acquire(ctx context.Context, lost func(error)) error
	// Inspect says what is known about the store beside the state. It needs no lease and changes nothing.
	Inspect(ctx context.Context) (Info, error)
	// Where says in words for people where the state is.
	Where() string
}

// Info describes a store.
type Info struct {
	Written time.Time  // when the state was last written; zero if it never was, or that is not known
	Held    *HeldError // who holds the lease; nil for nobody
}
