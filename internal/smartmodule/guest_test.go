package smartmodule

import (
	"os"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
)

func TestMain(m *testing.M) { guests.Main(m) }

// kindGuest returns the module for tests that exports a kind.
func kindGuest(tb testing.TB, kind Kind) []byte {
	tb.Helper()
	b, err := os.ReadFile(guests.Kind(tb, string(kind)))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
