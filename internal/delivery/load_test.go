package delivery

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// An unreadableStore has a state that this program cannot read, however often it tries.
type unreadableStore struct {
	fakeStore
	why error
}

func (u *unreadableStore) Load(context.Context) (*state.State, error) {
	return nil, fmt.Errorf("load: %w", u.why)
}

func TestAStateThatCannotBeReadEndsTheRunAtOnce(t *testing.T) {
	for _, why := range []error{state.ErrDamaged, state.ErrVersion} {
		t.Run(why.Error(), func(t *testing.T) {
			begun := time.Now()
			err := runSource(t.Context(), SourceConfig{Writer: &fakeTopic{}, Store: &unreadableStore{why: why}}, nil)
			if took := time.Since(begun); err == nil || took > time.Second {
				t.Errorf("%v after %v", err, took)
			}
		})
	}
}
