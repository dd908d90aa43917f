package broker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Env is everything the package takes from its surroundings, so that nothing is read behind the caller's back.
type Env struct {
	// Getenv looks an environment variable up; empty means unset.
	Getenv func(string) string
	// Executable is the path of the running program; the patchbay binary is looked for beside it.
	Executable string
	// UID is the user whose broker is meant.
	UID int
	// TempDir is where the runtime folder lies on systems without XDG_RUNTIME_DIR.
	TempDir string
}

// SystemEnv returns the surroundings of this process.
func SystemEnv() Env {
	exe, err := os.Executable()
	if err != nil {
		exe = "" // then PATCHBAY_BIN is the only way to find the binary
	}
	return Env{Getenv: os.Getenv, Executable: exe, UID: os.Getuid(), TempDir: os.TempDir()}
}

// StoreDir returns the folder that holds the broker's streams, token and log: patchbay/broker in XDG_DATA_HOME, by
// default ~/.local/share. It creates nothing.
func StoreDir(env Env) (string, error) {
	base := env.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) { // relative ones are to be ignored, says the XDG base directory specification
		home := env.Getenv("HOME")
		if !filepath.IsAbs(home) {
			return "", errors.New("no data folder for the local broker: set HOME or XDG_DATA_HOME")
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "patchbay", "broker"), nil
}

// binary finds the patchbay program: beside the running one, else what PATCHBAY_BIN names. The search path is never
// used: what it holds may be an older release, or somebody else's program.
func binary(env Env) (string, error) {
	var tried []string
	if env.Executable != "" {
		paths := []string{env.Executable}
		if target, err := filepath.EvalSymlinks(env.Executable); err == nil && target != env.Executable {
			paths = append(paths, target)
		}
		for _, p := range paths {
			candidate := filepath.Join(filepath.Dir(p), "patchbay")
			if isProgram(candidate) {
				return candidate, nil
			}
			tried = append(tried, candidate)
		}
	}
	named := env.Getenv("PATCHBAY_BIN")
	switch {
	case named != "" && !filepath.IsAbs(named):
		return "", fmt.Errorf("PATCHBAY_BIN must be an absolute path, not %q", named)
	case named != "" && !isProgram(named):
		return "", fmt.Errorf("PATCHBAY_BIN names %s, which is no program", named)
	case named != "":
		return named, nil
	case len(tried) == 0:
		return "", errors.New("PATCHBAY_BIN is not set")
	}
	return "", fmt.Errorf("there is no %s and PATCHBAY_BIN is not set", tried[0])
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
