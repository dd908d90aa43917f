package smartmodule

import (
	"flag"
	"runtime"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
)

var calls = flag.Int("calls", 20_000, "how many calls TestMemoryStaysFlat makes of each guest; 1000000 for the whole proof")

// TestMemoryStaysFlat makes many calls and expects neither the module's memory nor that of this process to grow. A module of
// Fluvio's whose answers are not freed dies after some 200,000.
func TestMemoryStaysFlat(t *testing.T) {
	tests := []struct {
		name  string
		file  []byte
		slack uint64 // of the module's memory: the collector of a guest written in Go needs time to find its pace
	}{
		{"a filter by hand", echoing(Filter).binary(), 0},
		{"a map by hand", echoing(Map).binary(), 0},
		{"a filter in Go", guests.Bytes(t, guests.Contains), 1 << 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := begin(t, tt.file, Options{Params: map[string]string{"text": "x"}})
			in := []Input{{Value: append(make([]byte, 300), 'x')}, {Key: "k", Value: append(make([]byte, 300), 'x')}}
			work := func(n int) {
				for range n {
					if results, err := r.Run(t.Context(), in); err != nil || len(results[0].Out) != 1 || len(results[1].Out) != 1 {
						t.Fatal(results, err)
					}
				}
			}
			measure := func() (guest, host uint64) {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return uint64(r.MemorySize()), m.HeapAlloc
			}
			work(*calls / 10)
			guestBefore, hostBefore := measure()
			work(*calls)
			guestAfter, hostAfter := measure()
			t.Logf("after %d calls the module has %d KiB, before %d; this process %d KiB, before %d",
				*calls, guestAfter>>10, guestBefore>>10, hostAfter>>10, hostBefore>>10)
			if guestAfter > guestBefore+tt.slack || hostAfter > hostBefore+4<<20 {
				t.Error("memory grows")
			}
		})
	}
}
