// Package git asks git about a repository.
package git

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

const (
	deadline  = time.Minute
	maxOutput = 256 << 20
)

// local are the variables by which a git that runs us, as a hook does, names its own repository. With them git would read
// that one, and write to it, whatever folder it is run in.
var local = []string{
	"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
	"GIT_SHALLOW_FILE", "GIT_WORK_TREE",
}

// Run runs git in a folder, blocks until it has ended and returns what it prints. A status other than 0 is an error that
// tells git's last words; where there is no git it is exec.ErrNotFound.
func Run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	env := slices.DeleteFunc(proc.Environ("LC_ALL=C"), func(entry string) bool {
		key, _, _ := strings.Cut(entry, "=")
		return slices.Contains(local, key)
	})
	result, err := proc.Run(ctx, proc.Spec{
		Argv: append([]string{"git", "-C", dir}, args...), Env: env,
		Deadline: deadline, MaxStdout: maxOutput, MaxStderr: 1 << 20,
	})
	if err != nil {
		return nil, err
	}
	if result.Status != 0 {
		return nil, fmt.Errorf("git %s: %s", command(args), proc.Tail(result.Stderr, 3))
	}
	return result.Stdout, nil
}

// command is the first word that is neither an option of git's own nor the value of one.
func command(args []string) string {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-c":
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}
