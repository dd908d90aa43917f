package pipeline

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
)

// inOrder returns the positions of folders in the order in which to take them: first those of which something is to be proved.
func (r *run) inOrder(folders []discover.Folder) []int {
	took := r.Cache.Durations()
	names := make([]string, len(folders))
	for i, f := range folders {
		names[i] = f.Name
		if digest := r.digests[f.Name]; r.Cache.Has(digest, evidence.Suites) && r.Cache.Has(digest, evidence.BlackBox) {
			took[f.Name] = 0
		}
	}
	return slowestFirst(names, took)
}

// slowestFirst returns the positions of names in the order in which to take them: what takes longest begins first, or it
// would still run when all else is done. What is not known may be slow.
func slowestFirst(names []string, known map[string]time.Duration) []int {
	took := make([]time.Duration, len(names))
	order := make([]int, len(names))
	for i, name := range names {
		order[i] = i
		var ok bool
		if took[i], ok = known[name]; !ok {
			took[i] = math.MaxInt64
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(took[b], took[a]) })
	return order
}

// durations tells how long the connectors took of which something had to be proved.
func durations(rows []Row) map[string]time.Duration {
	took := map[string]time.Duration{}
	for _, row := range rows {
		if !row.Cached && row.OK {
			took[row.Name] = row.Elapsed
		}
	}
	return took
}
