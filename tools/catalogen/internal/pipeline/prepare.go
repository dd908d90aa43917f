package pipeline

import (
	"context"
	"errors"
	"maps"
	"os"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
)

// prepare does what serves all connectors at once: the digests of what they are made from, one go build, and one that compiles
// the tests that are about to run. It returns the connectors that cannot go on.
func (r *run) prepare(ctx context.Context, folders []discover.Folder) (map[string]finding.Finding, error) {
	if err := os.MkdirAll(r.Bin, 0o755); err != nil {
		return nil, err
	}
	byGo := len(build.Drivers(r.Root)) > 0
	for _, f := range folders {
		if build.ByGo(f) {
			r.Watch.Step(f.Name, "go build")
			byGo = true
		}
	}
	began := time.Now()
	var unfit, broken map[string]finding.Finding
	err := parallel.Each(ctx, 2, 2, func(ctx context.Context, i int) (err error) { // linking keeps one core busy
		if i == 0 {
			broken, err = build.All(ctx, r.Root, r.Bin, folders)
			return err
		}
		if r.digester, r.digests, unfit, err = digest(ctx, r.Root, folders); err != nil {
			return err
		}
		if r.digester.Since(began); r.untested {
			return nil
		}
		return r.compileTests(ctx, folders, unfit)
	})
	if err != nil {
		return nil, err
	}
	if byGo {
		// What was built beside the digests counts only if nothing changed from before to after, or a program might be of
		// older files than its digest.
		untouched, err := r.digester.Untouched(ctx)
		if err == nil && !untouched {
			broken, err = build.All(ctx, r.Root, r.Bin, folders)
		}
		if err := errors.Join(ctx.Err(), err); err != nil {
			return nil, err
		}
	}
	maps.Copy(unfit, broken) // the compiler says better what is wrong with a program
	return unfit, nil
}

// compileTests compiles the test programs that are about to run, all at once: several make test beside each other would
// each compile what they share, and the deadline of a suite is for running it.
func (r *run) compileTests(ctx context.Context, folders []discover.Folder, unfit map[string]finding.Finding) error {
	var unproved []discover.Folder
	for _, f := range folders {
		if _, out := unfit[f.Name]; !out && f.Go && !r.Cache.Has(r.digests[f.Name], evidence.Suites) {
			r.Watch.Step(f.Name, "compile tests")
			unproved = append(unproved, f)
		}
	}
	return build.Tests(ctx, r.Root, unproved)
}
