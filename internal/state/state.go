// Package state keeps the positions from which a source resumes.
package state

import "context"

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
}

// A Store keeps the State of one named instance. Load and Save are called by one goroutine at a time.
type Store interface {
	// Load returns what was saved, or nil if nothing ever was. Damage is an error, never an empty state.
	Load(ctx context.Context) (*State, error)
	// Save replaces what was saved. When it returns nil, the state survives a crash of the process.
	Save(ctx context.Context, s *State) error
	// Close releases the store.
	Close() error
}
