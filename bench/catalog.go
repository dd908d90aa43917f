package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	catalogRounds     = 5
	catalogConnectors = 20
	catalogGoal       = 0.5 // seconds, for that many built connectors
	unchangedGoal     = 2   // seconds, for make catalog on a tree where nothing has changed
)

// measureCatalog measures catalogen on connectors that are built and proved: made-up ones, then this repository's.
func measureCatalog(ctx context.Context, b *bench) ([]Figure, error) {
	figures := []Figure{
		{Name: fmt.Sprintf("%d built connectors to a catalog", catalogConnectors)},
		{Name: "make catalog, nothing changed"},
	}
	for i, m := range []struct {
		measure func(context.Context, *bench) (Figure, error)
		goal    float64
	}{{builtConnectors, catalogGoal}, {unchanged, unchangedGoal}} {
		f, err := m.measure(ctx, b)
		if err != nil {
			figures[i].Error = err.Error()
			continue
		}
		f.Name, f.Unit = figures[i].Name, Seconds
		figures[i] = f.judge(Goal{Most: m.goal})
	}
	return figures, nil
}

// builtConnectors makes a root of connectors that are one program under many names, and measures how long it takes to probe
// all of them, validate what they say, index it and render the site into an empty folder.
func builtConnectors(ctx context.Context, b *bench) (Figure, error) {
	temp, err := os.MkdirTemp(b.scratch, "catalog-")
	if err != nil {
		return Figure{}, err
	}
	defer os.RemoveAll(temp)
	root, bin := filepath.Join(temp, "root"), filepath.Join(temp, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return Figure{}, err
	}
	for i := range catalogConnectors {
		direction := []string{"source", "sink"}[i%2]
		name := fmt.Sprintf("built-%02d-%s", i, direction)
		if err := writeConnector(filepath.Join(root, "connectors", direction+"s", name), b.program("namesake")); err != nil {
			return Figure{}, err
		}
	}
	out := filepath.Join(temp, "out")
	generate := task{
		argv: [][]string{{b.program("catalogen"), "generate", "--root", root, "--bin", bin, "--out", out}},
		env:  append(cleanEnv(temp), "XDG_CACHE_HOME="+filepath.Join(temp, "cache")),
		out:  filepath.Join(temp, "log"),
	}
	var costs []cost
	for range 1 + catalogRounds {
		if err := os.RemoveAll(out); err != nil {
			return Figure{}, err
		}
		c, err := generate.run(ctx)
		if err != nil {
			return Figure{}, fmt.Errorf("%w; %w", err, firstFinding(generate.out))
		}
		costs = append(costs, c)
	}
	c := medianCost(costs[1:]) // the first one proves them
	note := fmt.Sprintf("%s CPU; median of %d", Seconds.format(c.cpu.Seconds()), catalogRounds)
	return Figure{Value: c.wall.Seconds(), Note: note}, nil
}

// writeConnector makes the folder of a connector whose build is one link to a program that is there already.
func writeConnector(dir, program string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for file, text := range map[string]string{
		"Makefile":  "build:\n\t@ln '" + program + "' '$(BIN)'\n\ntest:\n\t@printf '1..1\\nok 1 - works\\n'\n",
		"README.md": "# " + filepath.Base(dir) + "\n\nMoves nothing.\n\n<!-- options:begin -->\n<!-- options:end -->\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// findingLine is the first line of what catalogen says about a connector that it refuses: NAME [RULE] WHERE.
var findingLine = regexp.MustCompile(`(?m)^([a-z0-9-]+ \[[a-z-]+\].*)\n(.*)`)

// firstFinding returns as an error what a failed run of catalogen has printed about the first connector that it refused.
func firstFinding(log string) error {
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	if m := findingLine.FindSubmatch(text); m != nil {
		return fmt.Errorf("%s: %s", m[1], bytes.TrimSpace(m[2]))
	}
	return errors.New(lastLine(string(text)))
}

// unchanged copies the tree as it is, with its history, and measures make catalog there, after a first time that builds and
// proves what the user's cache does not know. The copy is what keeps the tree itself untouched.
func unchanged(ctx context.Context, b *bench) (Figure, error) {
	temp, err := os.MkdirTemp(b.scratch, "tree-")
	if err != nil {
		return Figure{}, err
	}
	defer os.RemoveAll(temp)
	tree := filepath.Join(temp, "tree")
	if err := copyTree(ctx, tree); err != nil {
		return Figure{}, err
	}
	catalog := task{
		argv: [][]string{{"make", "catalog"}}, dir: tree, env: environWithoutMake(), out: filepath.Join(temp, "log"),
	}
	fmt.Fprintln(os.Stderr, "  make catalog for the first time: it runs the tests that this machine has not passed yet …")
	began := time.Now()
	if _, err := catalog.run(ctx); err != nil {
		return Figure{}, fmt.Errorf("%w; %w", err, firstFinding(catalog.out))
	}
	first := time.Since(began)
	costs, err := alternate(ctx, catalogRounds, catalog)
	if err != nil {
		return Figure{}, fmt.Errorf("%w; %w", err, firstFinding(catalog.out))
	}
	return Figure{
		Value: costs[0].wall.Seconds(),
		Note: fmt.Sprintf("%s CPU; median of %d after a first one of %s", Seconds.format(costs[0].cpu.Seconds()), catalogRounds,
			first.Round(time.Second)),
	}, nil
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
