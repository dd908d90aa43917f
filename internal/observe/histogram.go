package observe

import "sync/atomic"

// The upper bounds of the buckets, in the unit of what is observed.
var (
	batchBounds   = []uint64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000}
	latencyBounds = []uint64{
		250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
		10_000_000, 30_000_000,
	}
)

// A histogram counts observations by size. It has no total of its own: the sum of the buckets is one that agrees with
// them at any moment, although nothing is locked.
type histogram struct {
	bounds  []uint64
	buckets []atomic.Uint64 // one more than bounds
	sum     atomic.Uint64
}

func newHistogram(bounds []uint64) *histogram {
	return &histogram{bounds: bounds, buckets: make([]atomic.Uint64, len(bounds)+1)}
}

func (h *histogram) observe(v uint64) {
	i := 0
	for i < len(h.bounds) && v > h.bounds[i] { // most values are small, and the bounds few
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(v)
}
