package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// open returns the store of an account's positions, which starts empty where everything is to be read again.
func (s *server) open(ctx context.Context, a *account) (state.Store, error) {
	if s.State == "" {
		return &memory{}, nil
	}
	path := filepath.Join(s.State, a.name+".json")
	file := state.NewFile(path)
	if !a.resync {
		return file, nil
	}
	waiting := func(held *state.HeldError) error {
		s.log.Info("waiting for another sync of the same account", "holder", held.Holder.String())
		return nil
	}
	err := state.Acquire(ctx, file, s.Limits.StartTimeout, nil, waiting)
	if err == nil {
		// Before the host forgets anything: what a failure leaves is a source that begins again, not one with a gap.
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		file.Close()
		return nil, fmt.Errorf("forget the saved position of %s: %w", a.name, err)
	}
	return file, nil
}

// memory keeps positions for one sync, so that a child that is replaced goes on, and for EndSync. One goroutine at a time
// uses it.
type memory struct{ saved *state.State }

// Load implements state.Store.
func (m *memory) Load(context.Context) (*state.State, error) { return m.saved, nil }

// Save implements state.Store.
func (m *memory) Save(_ context.Context, s *state.State) error {
	m.saved = s
	return nil
}

// Close implements state.Store.
func (m *memory) Close() error { return nil }
