package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	edited       = "connectors/sinks/http-sink" // one that no other connector's tests run
	editedRounds = 3
)

// inTree copies the tree as it is, with its history, and measures make catalog there, after a first time that builds and
// proves what the user's cache does not know: where nothing has changed, then where one connector has. The copy is what keeps
// the tree itself untouched.
func inTree(ctx context.Context, b *bench) ([]Figure, error) {
	temp, err := os.MkdirTemp(b.scratch, "tree-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	tree := filepath.Join(temp, "tree")
	if err := copyTree(ctx, tree); err != nil {
		return nil, err
	}
	catalog := task{
		argv: [][]string{{"make", "catalog"}}, dir: tree, env: environWithoutMake(), out: filepath.Join(temp, "log"),
	}
	fmt.Fprintln(os.Stderr, "  make catalog for the first time: it runs the tests that this machine has not passed yet …")
	began := time.Now()
	if _, err := catalog.run(ctx); err != nil {
		return nil, fmt.Errorf("%w; %w", err, firstFinding(catalog.out))
	}
	first := time.Since(began)
	costs, err := alternate(ctx, catalogRounds, catalog)
	if err != nil {
		return nil, fmt.Errorf("%w; %w", err, firstFinding(catalog.out))
	}
	same := Figure{
		Name: "make catalog, nothing changed", Value: costs[0].wall.Seconds(), Unit: Seconds,
		Note: fmt.Sprintf("%s CPU; median of %d after a first one of %s", Seconds.format(costs[0].cpu.Seconds()), catalogRounds,
			first.Round(time.Second)),
	}.judge(Goal{Most: unchangedGoal})
	changed, err := oneEdited(ctx, catalog)
	if err != nil {
		return []Figure{same}, err
	}
	return []Figure{same, changed}, nil
}

// oneEdited measures what make catalog takes where one connector was edited, beyond what its own build and tests take after
// such an edit.
func oneEdited(ctx context.Context, catalog task) (Figure, error) {
	f := Figure{Name: "make catalog, one connector edited, beyond its build and test", Unit: Seconds}
	own := catalog
	own.argv = [][]string{{"make", "-C", edited, "test"}}
	costs := make([][]cost, 2)
	for i := range 2 * editedRounds { // in turn, each with an edit that nothing knows yet
		if err := edit(filepath.Join(catalog.dir, edited, "main.go"), i); err != nil {
			return f, err
		}
		c, err := []task{own, catalog}[i%2].run(ctx)
		if err != nil {
			return f, fmt.Errorf("%w; %w", err, firstFinding(catalog.out))
		}
		costs[i%2] = append(costs[i%2], c)
	}
	alone, all := medianCost(costs[0]), medianCost(costs[1])
	f.Value = max(0, all.wall-alone.wall).Seconds()
	f.Note = fmt.Sprintf("%s, of which its build and test alone are %s; medians of %d", Seconds.format(all.wall.Seconds()),
		Seconds.format(alone.wall.Seconds()), editedRounds)
	return f.judge(Goal{Most: editedGoal}), nil
}

// edit changes a Go file, so that it compiles to something else each time.
func edit(path string, n int) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\nvar _ = func() int { return %d }()\n", time.Now().UnixNano()+int64(n))
	return errors.Join(err, f.Close())
}

// copyTree copies the files that git knows or would know, and clones the history for the comparison with the last release.
func copyTree(ctx context.Context, dir string) error {
	clone := exec.CommandContext(ctx, "git", "clone", "--quiet", "--shared", "--no-checkout", ".", dir)
	if output, err := clone.CombinedOutput(); err != nil {
		return fmt.Errorf("git clone: %w: %s", err, lastLine(string(output)))
	}
	list, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		if err := copyFile(name, filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err // one that is removed and not yet committed is not there
		}
	}
	return nil
}

// copyFile copies a file with its mode and time, which tell make what is out of date, or a link.
func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// environWithoutMake is this process's environment without what an outer make has put there for its own children.
func environWithoutMake() []string {
	var env []string
	for _, entry := range os.Environ() {
		switch key, _, _ := strings.Cut(entry, "="); key {
		case "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PATCHBAY_BIN_DIR", "PATCHBAY_REPORT_DIR":
		default:
			env = append(env, entry)
		}
	}
	return env
}
