package commontest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

// Spool is a source that is done with every partition of earlier runs.
type Spool struct{}

// Run implements common.Source.
func (*Spool) Run(ctx context.Context, out common.Output) error {
	var errs []error
	for _, partition := range out.Partitions() {
		errs = append(errs, out.Forget(ctx, partition))
	}
	return errors.Join(append(errs, out.Send(ctx, common.Record{Partition: "c", Position: "1"}))...)
}

func TestPositionsAreWithoutWhatIsForgotten(t *testing.T) {
	run := commontest.StartSource[Spool](t, commontest.Config{Positions: map[string]string{"a": "1", "b": "2"}})
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(maps.Keys(run.Positions())); !slices.Equal(got, []string{"c"}) {
		t.Errorf("the positions are of %q", got)
	}
}
