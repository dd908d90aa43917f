package smartmodule

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// compiled is the cache of all tests.
var compiled string

func TestMain(m *testing.M) {
	var err error
	if compiled, err = os.MkdirTemp("", "smartmodules"); err != nil {
		panic(err)
	}
	status := m.Run()
	if err := os.RemoveAll(compiled); err != nil {
		panic(err)
	}
	os.Exit(status)
}

// guests builds each example once for all tests of the package, from its source.
var guests = struct {
	sync.Mutex
	files map[string][]byte
}{files: map[string][]byte{}}

// kindGuest returns the module for tests that exports a kind.
func kindGuest(tb testing.TB, kind Kind) []byte {
	tb.Helper()
	return guest(tb, "./testdata/kinds", string(kind))
}

// guest returns the binary of a program in Go, built with tags.
func guest(tb testing.TB, folder string, tags ...string) []byte {
	tb.Helper()
	guests.Lock()
	defer guests.Unlock()
	name := folder + strings.Join(tags, ",")
	if b, ok := guests.files[name]; ok {
		return b
	}
	out := filepath.Join(tb.TempDir(), "guest.wasm")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w", "-tags", strings.Join(tags, ","), "-o", out, folder)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("build %s: %v\n%s", folder, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	guests.files[name] = b
	return b
}

const (
	mask     = "../../examples/smartmodules/mask"
	contains = "../../examples/smartmodules/contains"
)
