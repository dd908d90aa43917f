// Package guests builds SmartModules for tests: from their source in Go, once for each process that tests, and compiled ahead
// by a program of its own, since the race detector makes a compiler twenty times slower. Compiled code is kept where
// connectors keep it, so that only the first run on a machine takes its time.
package guests

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// The examples, which are guests too.
const (
	Mask     = "examples/smartmodules/mask"
	Contains = "examples/smartmodules/contains"
)

// kinds is a guest that exports all kinds of transforms.
const kinds = "internal/smartmodule/testdata/kinds"

// shared is what the tests of a process have made.
var shared struct {
	sync.Mutex
	dir   string
	files map[string]string // by name
}

// Main runs the tests of a package and removes what they have built.
func Main(m *testing.M) {
	status := m.Run()
	Clean()
	os.Exit(status)
}

// Clean removes what was built. It is for a TestMain of its own.
func Clean() {
	shared.Lock()
	defer shared.Unlock()
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
}

// Cache is the folder with the compiled code of guests: that of connectors, or one for this process where there is none.
func Cache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(shared.dir, "cache")
	}
	return filepath.Join(dir, "patchbay", "smartmodules")
}

// File returns the path of a guest.
func File(tb testing.TB, guest string) string {
	tb.Helper()
	return provide(tb, guest, func(path string) error { return build(path, guest) })
}

// Bytes returns the file of a guest.
func Bytes(tb testing.TB, guest string) []byte {
	tb.Helper()
	b, err := os.ReadFile(File(tb, guest))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Kind returns the path of a guest that exports one kind, such as map, of transform alone.
func Kind(tb testing.TB, kind string) string {
	tb.Helper()
	all := Bytes(tb, kinds)
	return provide(tb, kind, func(path string) error {
		only := bytes.Clone(all)
		for _, other := range []string{"filter", "map", "filter_map", "array_map", "aggregate"} {
			if other != kind {
				hide(only, other)
			}
		}
		return os.WriteFile(path, only, 0o600)
	})
}

// hide gives an export a name that means nothing.
func hide(file []byte, export string) {
	// Exports stand before code and data: a length, the name, and 0 for a function.
	at := bytes.Index(file, append(append([]byte{byte(len(export))}, export...), 0))
	file[at+1] = '_'
}

// provide makes a file once and has it compiled.
func provide(tb testing.TB, name string, make func(path string) error) string {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if path := shared.files[name]; path != "" {
		return path
	}
	done, err := alone()
	if err == nil {
		defer done()
		err = folder()
	}
	path := filepath.Join(shared.dir, strings.ReplaceAll(name, "/", "-")+".wasm")
	if err == nil {
		err = make(path)
	}
	if err == nil {
		err = compile(path)
	}
	if err != nil {
		tb.Fatalf("make the guest %s: %v", name, err)
	}
	shared.files[name] = path
	return path
}

// alone waits until no other process makes guests, because several packages begin their tests with the same ones, which on a
// bare machine each would compile for a minute. It returns a function that lets the next one go on.
func alone() (func(), error) {
	f, err := os.Open(filepath.Join(root, "internal/smartmodule/guests/guests.go"))
	if err != nil {
		return nil, err
	}
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			return func() { _ = f.Close() }, err
		}
	}
}

func folder() (err error) {
	if shared.dir == "" {
		shared.files = map[string]string{}
		shared.dir, err = os.MkdirTemp("", "guests")
	}
	return err
}

func build(path, guest string) error {
	return golang([]string{"GOOS=wasip1", "GOARCH=wasm"}, "-buildmode=c-shared", "-o", path, "./"+guest)
}

// compile puts the code of a module into the cache, unless that was done with the same sources of the engine.
func compile(path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	engine, err := engineDigest()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(file)
	mark := filepath.Join(Cache(), hex.EncodeToString(sum[:]), "compiled-by-"+engine)
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	compiler := filepath.Join(shared.dir, "compile")
	if _, err := os.Stat(compiler); err != nil {
		if err := golang(nil, "-o", compiler, "./internal/smartmodule/guests/testdata/compile"); err != nil {
			return err
		}
	}
	text, _ := exec.Command(compiler, Cache(), path).CombinedOutput() // fails where the module wants parameters
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		return fmt.Errorf("it is not compiled: %w: %s", err, text)
	}
	return nil
}

// engineDigest is that of what decides how a module is compiled.
func engineDigest() (string, error) {
	sum := sha256.New()
	for _, name := range []string{"go.sum", "meter.go", "opcodes.go", "skeleton.go", "cache.go", "host.go"} {
		path := filepath.Join(root, "internal/smartmodule", name)
		if name == "go.sum" {
			path = filepath.Join(root, name)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		sum.Write(b)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// root is the folder of the repository: the nearest with a go.mod from where a test begins, which is its package's folder.
var root = func() string {
	dir, _ := os.Getwd()
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	return dir
}()

// golang builds something of this repository.
func golang(env []string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"}, args...)...)
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}
