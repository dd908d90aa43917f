package proc

import (
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
	return Home{dir}, os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off\n"), 0o600)
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
