package commontest

import (
	"context"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common"
)

// Forgetful is a sink that never settles what it reads.
type Forgetful struct{}

// Run implements common.Sink.
func (*Forgetful) Run(ctx context.Context, in common.Input) error {
	for {
		if _, err := in.Next(ctx); err != nil {
			return err
		}
	}
}

func TestASinkThatSettlesNothingIsToldWhatIsMissing(t *testing.T) {
	run := StartSink[Forgetful](t, Config{}, []common.Record{{Value: []byte("1")}, {Value: []byte("2")}})
	if got := run.blame(); !strings.HasPrefix(got, "2 records are not acknowledged: settle each batch") {
		t.Error(got)
	}
	_ = run.Stop() // it tells that records are left
	run = StartSink[Forgetful](t, Config{}, nil)
	if got := run.blame(); got != "Run must return when its context ends" {
		t.Error(got)
	}
	_ = run.Stop()
}
