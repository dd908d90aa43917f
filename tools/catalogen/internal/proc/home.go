package proc

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Home is a home folder that is thrown away with all that was written there.
type Home struct{ Dir string }

// NewHome makes a home that is empty but for one word: the go command is to gather no figures there, for which it would leave
// a process behind each time.
func NewHome() (Home, error) {
	dir, err := os.MkdirTemp("", "patchbay-home-")
	if err != nil {
		return Home{}, err
	}
	telemetry := filepath.Join(dir, ".config", "go", "telemetry")
	if err := os.MkdirAll(telemetry, 0o700); err != nil {
		return Home{dir}, err
	}
	return Home{dir}, os.WriteFile(filepath.Join(telemetry, "mode"), []byte(noFigures), 0o600)
}

// noFigures is what tells the go command to gather none.
const noFigures = "off\n"

// asMade lists what a new home holds, in the order of filepath.WalkDir.
var asMade = []struct {
	path string
	mode fs.FileMode
}{
	{".", fs.ModeDir | 0o700},
	{".config", fs.ModeDir | 0o700},
	{".config/go", fs.ModeDir | 0o700},
	{".config/go/telemetry", fs.ModeDir | 0o700},
	{".config/go/telemetry/mode", 0o600},
}

// untouched tells whether a home holds what a new one does, and nothing else.
func (h Home) untouched() bool {
	seen := 0
	err := filepath.WalkDir(h.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || seen == len(asMade) {
			return cmp.Or(err, fs.ErrExist)
		}
		want := asMade[seen]
		seen++
		info, err := entry.Info()
		if err == nil && (path != filepath.Join(h.Dir, want.path) || info.Mode() != want.mode) {
			err = fs.ErrExist
		}
		return err
	})
	if err != nil || seen < len(asMade) {
		return false
	}
	text, err := os.ReadFile(filepath.Join(h.Dir, asMade[len(asMade)-1].path))
	return err == nil && string(text) == noFigures
}

// Remove removes the home, also what was made read-only in it, and does what it can.
func (h Home) Remove() {
	if os.RemoveAll(h.Dir) == nil {
		return
	}
	_ = filepath.WalkDir(h.Dir, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700) // before it is read
		}
		return nil
	})
	_ = os.RemoveAll(h.Dir)
}

// Homes are homes for one program after another. Most programs write nothing there, and a home that nothing was written to is
// as good as a new one: to make and remove thousands takes longer than what is done in them, for file systems avoid for a
// while what has just become free. The zero Homes is ready for use. It may be used concurrently.
type Homes struct {
	mu    sync.Mutex
	spare []Home
}

// Take returns a home that is as NewHome makes it.
func (h *Homes) Take() (Home, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last := len(h.spare) - 1; last >= 0 {
		home := h.spare[last]
		h.spare = h.spare[:last]
		return home, nil
	}
	return NewHome()
}

// Return takes back a home that nobody uses any more. It removes what was written to.
func (h *Homes) Return(home Home) {
	if !home.untouched() {
		home.Remove()
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.spare = append(h.spare, home)
}

// Remove removes the homes that were returned.
func (h *Homes) Remove() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, home := range h.spare {
		home.Remove()
	}
	h.spare = nil
}

// passed are the variables that builds and tests of a connector see of ours: what programs are found by, how text is shown,
// how the network is reached, and what the go command is told. Only the address of a proxy may hold a password.
var passed = []string{
	"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "TMPDIR", "USER", "LOGNAME", "SHELL", "CI",
	"http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "NIX_SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
	"CC", "CXX", "GOROOT", "GOTOOLCHAIN", "GOPROXY", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOVCS", "GOINSECURE",
	"GORACE", "GODEBUG", "GOMAXPROCS", "JAVA_HOME", "BATS_LIB_PATH",
}

// keptAtHome are variables for caches and tool chains, and where they lie in a home if they are not set. A throw-away home
// without them would download the world, and find no compiler that was installed for one user.
var keptAtHome = [][2]string{
	{"CARGO_HOME", ".cargo"},
	{"RUSTUP_HOME", ".rustup"},
	{"PYENV_ROOT", ".pyenv"},
	{"PIP_CACHE_DIR", ".cache/pip"},
	{"npm_config_cache", ".npm"},
}

// In returns the environment for what builds and tests a connector: passed, a home, caches, and more, as KEY=value.
func (h Home) In(more ...string) []string {
	env := []string{"HOME=" + h.Dir}
	for _, key := range passed {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	home, _ := os.UserHomeDir()
	for _, kept := range keptAtHome {
		dir := filepath.Join(home, kept[1])
		if value, ok := os.LookupEnv(kept[0]); ok {
			dir = value
		} else if info, err := os.Stat(dir); home == "" || err != nil || !info.IsDir() {
			continue
		}
		env = append(env, kept[0]+"="+dir)
	}
	return slices.Concat(env, goPlaces(), []string{goFlags}, more)
}

// FindPlaces asks the go command, once, where its caches are. Home.In asks that itself, and whoever needs it first waits for the
// answer.
func FindPlaces() { goPlaces() }

// goPlaces are the go command's caches and its file of settings, as it says itself where they are; none where it is not there.
var goPlaces = sync.OnceValue(func() []string {
	names := []string{"GOCACHE", "GOMODCACHE", "GOENV"}
	result, err := Run(context.Background(), Spec{
		Argv: append([]string{"go", "env"}, names...), Env: os.Environ(), Deadline: time.Minute, MaxStdout: 64 << 10, MaxStderr: 64 << 10,
	})
	values := strings.Split(strings.TrimSuffix(string(result.Stdout), "\n"), "\n")
	if err != nil || result.Status != 0 || len(values) != len(names) {
		return nil
	}
	for i, name := range names {
		names[i] = name + "=" + values[i]
	}
	return names
})
