package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/replace"
)

// A Part is one half of a connector's evidence, kept apart so that running only the suites spares that half later.
type Part string

// The two halves: the connector's own suites, and what the gate itself tries on the binary.
const (
	Suites   Part = "suites"
	BlackBox Part = "blackbox"
)

// keep is how long evidence that nobody asks for stays in the cache.
const keep = 30 * 24 * time.Hour

// A Cache keeps passed test runs of this machine by input digest, in one file each. It may be used concurrently, also by
// several processes. The zero Cache keeps nothing.
type Cache struct {
	dir     string
	trimmed *sync.Once // to look at every entry once in a run is enough
}

// OpenCache returns the user's cache, $XDG_CACHE_HOME/patchbay/evidence or ~/.cache/patchbay/evidence.
func OpenCache() (Cache, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return Cache{}, fmt.Errorf("find the cache folder: %w", err)
	}
	return newCache(filepath.Join(base, "patchbay", "evidence")), nil
}

func newCache(dir string) Cache { return Cache{dir, new(sync.Once)} }

// Load returns what a part of the tests proved of the inputs, if it is known. A damaged entry is as good as none.
func (c Cache) Load(inputs string, part Part) ([]Test, bool) {
	if c.dir == "" {
		return nil, false
	}
	path := c.path(inputs, part)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	var tests []Test
	if err := json.Unmarshal(text, &tests); err != nil {
		return nil, false
	}
	if counts := Count(tests); counts.Passed == 0 || counts.Passed != counts.Total() {
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // only trims later
	return tests, true
}

// Has tells whether there is an entry, which Load may yet find to be damaged.
func (c Cache) Has(inputs string, part Part) bool {
	if c.dir == "" {
		return false
	}
	_, err := os.Stat(c.path(inputs, part))
	return err == nil
}

// Store keeps a part of the tests' outcome if all of it passed; a failure or a skip is run again next time.
func (c Cache) Store(inputs string, part Part, tests []Test) error {
	if counts := Count(tests); c.dir == "" || counts.Passed == 0 || counts.Passed != counts.Total() {
		return nil
	}
	text, err := json.Marshal(tests)
	if err != nil {
		return err
	}
	if err := c.replace(c.path(inputs, part), text); err != nil {
		return fmt.Errorf("keep evidence: %w", err)
	}
	c.trimmed.Do(c.trim)
	return nil
}

// replace writes a file of the cache as a whole, so that nobody reads half of it.
func (c Cache) replace(path string, text []byte) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	return replace.File(path, text, 0o600)
}

// path names an entry. What a run depends on beside the inputs differs between machines, so it belongs to the key here.
func (c Cache) path(inputs string, part Part) string {
	key := fmt.Sprintf("%s %s %s %s/%s", inputs, part, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:])+".json")
}

// trim removes entries that were not asked for in a long time. It does what it can.
func (c Cache) trim() {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > keep {
			_ = os.Remove(filepath.Join(c.dir, entry.Name()))
		}
	}
}
