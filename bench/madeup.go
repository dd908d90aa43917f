package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// many is how many connectors a catalog should bear.
const many = 1000

const (
	manyGoal   = 20    // seconds, for so many proved connectors
	manyMemory = 500e6 // bytes
	few        = 10    // so many tell what one of many may take
	fewRounds  = 3
)

// madeUp is a repository of connectors that are one program under many names.
type madeUp struct {
	temp, root string
	program    string
	catalogen  task
	spread     task // gives all of them the evidence of the first
	size       int
	catalogs   int // that were made
}

// makeMadeUp makes one that has no connector yet, in a folder that is the caller's to remove.
func makeMadeUp(b *bench) (*madeUp, error) {
	temp, err := os.MkdirTemp(b.scratch, "catalog-")
	if err != nil {
		return nil, err
	}
	root, bin := filepath.Join(temp, "root"), filepath.Join(temp, "bin")
	env := append(cleanEnv(temp), "XDG_CACHE_HOME="+filepath.Join(temp, "cache"))
	return &madeUp{
		temp: temp, root: root, program: b.program("namesake"),
		catalogen: task{
			argv: [][]string{{b.program("catalogen"), "generate", "--root", root, "--bin", bin}},
			env:  env, out: filepath.Join(temp, "log"),
		},
		spread: task{argv: [][]string{{b.program("spread"), root}}, env: env},
	}, os.Mkdir(bin, 0o755)
}

// grow adds connectors until there are n.
func (m *madeUp) grow(n int) error {
	for ; m.size < n; m.size++ {
		direction := []string{"source", "sink"}[m.size%2]
		name := fmt.Sprintf("built-%03d-%s", m.size, direction)
		if err := writeConnector(filepath.Join(m.root, "connectors", direction+"s", name), m.program); err != nil {
			return err
		}
	}
	return nil
}

// generate makes the catalog in an empty folder, so often, and returns the medians without the first. Each time it is another
// folder: whoever writes files where many have just been removed waits for the file system to find room.
func (m *madeUp) generate(ctx context.Context, rounds int) (cost, error) {
	var costs []cost
	for range rounds {
		m.catalogs++
		task, argv := m.catalogen, m.catalogen.argv[0]
		task.argv = [][]string{append(argv[:len(argv):len(argv)], "--out", filepath.Join(m.temp, fmt.Sprint("out-", m.catalogs)))}
		c, err := task.run(ctx)
		if err != nil {
			return cost{}, fmt.Errorf("%w; %w", err, firstFinding(task.out))
		}
		costs = append(costs, c)
	}
	return medianCost(costs[min(1, rounds-1):]), nil
}

// manyConnectors measures a catalog of many connectors of which one was proved: the others get its evidence, for to prove
// them takes seconds each. What one of many takes is held against what one of few does.
func manyConnectors(ctx context.Context, b *bench) ([]Figure, error) {
	m, err := makeMadeUp(b)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(m.temp)
	var costs []cost
	for _, step := range []struct{ size, rounds int }{{1, 1}, {few, 1 + fewRounds}, {many, 1}} {
		if err := m.grow(step.size); err != nil {
			return nil, err
		}
		if step.size > 1 {
			if _, err := m.spread.run(ctx); err != nil {
				return nil, err
			}
		}
		c, err := m.generate(ctx, step.rounds)
		if err != nil {
			return nil, err
		}
		costs = append(costs, c)
	}
	of, all := costs[1], costs[2]
	name := fmt.Sprintf("%d built connectors to a catalog", many)
	each := Goal{Most: of.wall.Seconds() / few, Why: fmt.Sprintf("as one of %d", few)}
	return []Figure{
		Figure{
			Name: name, Value: all.wall.Seconds(), Unit: Seconds, Note: fmt.Sprintf("%s CPU; once", Seconds.format(all.cpu.Seconds())),
		}.judge(Goal{Most: manyGoal}),
		Figure{Name: name + ", each", Value: all.wall.Seconds() / many, Unit: Seconds}.judge(each),
		Figure{Name: name + ", memory", Value: float64(all.peak), Unit: Bytes}.judge(Goal{Most: manyMemory}),
	}, nil
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
