// Package build turns connector folders into programs.
package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

const (
	deadline   = 10 * time.Minute // of a build rule
	goDeadline = 30 * time.Minute // a bare machine compiles the standard library too, with -race and without beside each other
	maxOutput  = 16 << 20
)

// Go builds every Go connector that has no build rule of its own, and the drivers, with one go build into bin. The error
// tells what the compiler said; the programs that did compile are in bin all the same.
func Go(ctx context.Context, root, bin string, folders []discover.Folder) error {
	packages := Drivers(root)
	for _, f := range folders {
		if ByGo(f) && !slices.Contains(packages, f.Path) {
			packages = append(packages, f.Path)
		}
	}
	return compile(ctx, root, bin, packages)
}

// compile runs one go build for the packages in some folders.
func compile(ctx context.Context, root, bin string, folders []string) error {
	if len(folders) == 0 {
		return nil
	}
	// The flags are those of the repository's Makefile, so that neither finds the other's programs out of date.
	argv := []string{"go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w", "-o", bin + string(filepath.Separator)}
	for _, folder := range folders {
		argv = append(argv, "./"+folder)
	}
	result, err := goCommand(ctx, root, "CGO_ENABLED=0", argv)
	if err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	if result.Status != 0 {
		return fmt.Errorf("go build: %s", proc.Tail(result.Stderr, 30))
	}
	return nil
}

// testFlags are what decides how test/gotest.sh has tests compiled. With others, all would be compiled twice.
var testFlags = []string{"-race", "-trimpath"}

// Tests compiles the Go tests of folders, and of those below them, with the flags of test/gotest.sh, which runs them, into the
// build cache, without linking or running any. What does not compile is no error here, because the tests themselves tell it; the
// error is ctx's.
func Tests(ctx context.Context, root string, folders []discover.Folder) error {
	tested := testPackages(folders)
	if len(tested) == 0 {
		return nil
	}
	argv := append([]string{"go", "list", "-e", "-export", "-test", "-buildvcs=false", "-f", "{{/* only compile */}}"}, testFlags...)
	_, _ = goCommand(ctx, root, "CGO_ENABLED=1", append(argv, tested...))
	return ctx.Err()
}

// testPackages are the packages whose tests connectors/connector.mk runs: all of a folder with Go files.
func testPackages(folders []discover.Folder) (patterns []string) {
	for _, f := range folders {
		if files, err := filepath.Glob(filepath.Join(f.Dir, "*.go")); err == nil && len(files) > 0 {
			patterns = append(patterns, "./"+f.Path+"/...")
		}
	}
	return patterns
}

// goCommand runs the go command with a folder of its own for what it throws away, which it leaves behind when it is killed.
func goCommand(ctx context.Context, root, cgo string, argv []string) (proc.Result, error) {
	scratch, err := os.MkdirTemp("", "patchbay-build-")
	if err != nil {
		return proc.Result{}, err
	}
	defer os.RemoveAll(scratch)
	return proc.Run(ctx, proc.Spec{
		Argv: argv, Dir: root, Env: proc.Environ(cgo, "GOTMPDIR="+scratch),
		Deadline: goDeadline, MaxStdout: maxOutput, MaxStderr: maxOutput,
	})
}

// drivers are the programs that the tests of every connector may run beside their own: the local broker, and something to
// fill and to empty a topic. They are inputs of every connector, and connectors/connector.mk builds them too.
var drivers = []string{"tools/patchbay", "connectors/sources/generate-source", "connectors/sinks/stdout-sink"}

// Drivers returns the folders of the drivers that a repository has.
func Drivers(root string) []string {
	var found []string
	for _, driver := range drivers {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(driver), "*.go"))
		if err == nil && len(files) > 0 {
			found = append(found, driver)
		}
	}
	return found
}

// ByGo tells whether a folder is built by Go's own build command.
func ByGo(f discover.Folder) bool { return f.Go && !f.Has("build") }

// Path is where a connector's program is or would be.
func Path(bin string, f discover.Folder) string { return filepath.Join(bin, f.Name) }

// Own builds a folder with its own build rule, in a home, which must leave the program at $(BIN). The error is a
// finding.Finding or ctx's.
func Own(ctx context.Context, bin string, f discover.Folder, home proc.Home) error {
	target := Path(bin, f)
	bad := finding.Finding{Connector: f.Name, Rule: "build", Where: f.Path + "/Makefile", Fix: "run it by hand: make -C " + f.Path + " build"}
	if err := os.RemoveAll(target); err != nil { // else a rule that leaves nothing would pass with what an earlier one left
		bad.Message, bad.Fix = err.Error(), "remove it by hand"
		return bad
	}
	result, err := proc.Run(ctx, proc.Spec{
		Argv: []string{"make", "--no-print-directory", "-C", f.Dir, "build", "BIN=" + target},
		Env:  home.In(), Deadline: deadline, MaxStdout: maxOutput, MaxStderr: maxOutput,
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch {
	case err != nil:
		bad.Message = "make build: " + err.Error()
	case result.Status != 0:
		bad.Message = fmt.Sprintf("make build: status %d\n%s", result.Status, proc.Tail(append(result.Stdout, result.Stderr...), 20))
	default:
		return Executable(target, f)
	}
	return bad
}

// Executable checks that a connector's program is where it should be and may be run.
func Executable(path string, f discover.Folder) error {
	info, err := os.Lstat(path) // a link may lead to another program tomorrow
	if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
		return nil
	}
	return finding.Finding{
		Connector: f.Name, Rule: "build", Where: f.Path, Message: "the build left no executable program at $(BIN)",
		Fix: "the build rule must write the path that BIN names",
	}
}

// missing is how the go command names a package that is in no module of go.mod.
var missing = regexp.MustCompile(`(?:cannot find module providing|no required module provides) package ([^\s:;]+)`)

// Remedy says what to do about a message of the go command, which again shows once more.
func Remedy(message, again string) string {
	if found := missing.FindStringSubmatch(message); found != nil {
		return "to use it: go get " + found[1] + ", and commit go.mod and go.sum"
	}
	return "to see it again: " + again
}

// All builds every folder that can be built as one go build does, and where that fails each on its own, so that one
// mistake costs one connector. It returns the finding of each connector that did not build. Stale programs are removed.
func All(ctx context.Context, root, bin string, folders []discover.Folder) (map[string]finding.Finding, error) {
	err := Go(ctx, root, bin, folders)
	if err == nil {
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for _, driver := range Drivers(root) {
		if slices.ContainsFunc(folders, func(f discover.Folder) bool { return f.Path == driver }) {
			continue // it is told as the connector that it is
		}
		if err := compile(ctx, root, bin, []string{driver}); err != nil {
			return nil, err // no connector can be tested
		}
	}
	broken := map[string]finding.Finding{}
	for _, f := range folders {
		if !ByGo(f) {
			continue
		}
		if err := os.Remove(Path(bin, f)); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		if err := compile(ctx, root, bin, []string{f.Path}); err != nil {
			broken[f.Name] = finding.Finding{
				Connector: f.Name, Rule: "build", Where: f.Path, Message: err.Error(),
				Fix: Remedy(err.Error(), "go build ./"+f.Path),
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if len(broken) == 0 {
		return nil, err // each builds alone but not all together: that is nobody's in particular
	}
	return broken, nil
}
