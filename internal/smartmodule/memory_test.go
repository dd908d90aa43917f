package smartmodule

import (
	"flag"
	"runtime"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
)

var calls = flag.Int("calls", 20_000, "how many calls TestMemoryStaysFlat makes; 1000000 for the whole proof")

// TestMemoryStaysFlat makes many calls and expects neither the module's memory nor that of this process to grow. A module of
// Fluvio's whose answers are not freed dies after some 200,000.
func TestMemoryStaysFlat(t *testing.T) {
	r := begin(t, guests.Bytes(t, guests.Contains), Options{Params: map[string]string{"text": "x"}})
	in := []Input{{Value: make([]byte, 300)}, {Key: "k", Value: append(make([]byte, 300), 'x')}}
	measure := func() (guest, host uint64) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return uint64(r.MemorySize()), m.HeapAlloc
	}
	work := func(n int) {
		for range n {
			if results, err := r.Run(t.Context(), in); err != nil || len(results[0].Out) != 0 || len(results[1].Out) != 1 {
				t.Fatal(results, err)
			}
		}
	}
	work(*calls / 10) // until the collector of the guest, which is written in Go, has found its pace
	guestBefore, hostBefore := measure()
	work(*calls)
	guestAfter, hostAfter := measure()
	t.Logf("the module's memory: %d KiB, then %d KiB", guestBefore>>10, guestAfter>>10)
	if guestAfter > guestBefore+1<<20 || hostAfter > hostBefore+4<<20 {
		t.Errorf("after %d calls the module has %d bytes, before %d; this process %d, before %d", *calls, guestAfter, guestBefore, hostAfter, hostBefore)
	}
}
