package main

import (
	"context"
	"debug/buildinfo"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const sizeGoal = 20e6 // bytes, for a connector that brings no protocol library of its own

// measureSize reports how large the stripped programs are. A connector that links modules which generate-source does not
// names them; only such a one may miss the goal.
func measureSize(_ context.Context, b *bench) ([]Figure, error) {
	connectors, err := b.connectors()
	if err != nil {
		return nil, err
	}
	var (
		figures []Figure
		shared  map[string]bool
	)
	for _, name := range append(connectors, "patchbay", "catalogen") {
		path := filepath.Join(b.bin, name)
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		f := Figure{Name: name, Value: float64(info.Size()), Unit: Bytes}
		if strings.Contains(name, "-") {
			modules, err := modulesOf(path)
			if err != nil {
				return nil, err
			}
			if shared == nil {
				shared = modules
			}
			own := missing(modules, shared)
			if len(own) > 0 {
				f.Note = "links " + strings.Join(own, ", ")
			}
			if len(own) == 0 || f.Value <= sizeGoal {
				f = f.judge(Goal{Most: sizeGoal})
			}
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// modulesOf reads from a program which modules it links.
func modulesOf(path string) (map[string]bool, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	modules := map[string]bool{}
	for _, m := range info.Deps {
		modules[m.Path] = true
	}
	return modules, nil
}

// missing lists what is in a set and not in another.
func missing(in, from map[string]bool) []string {
	var names []string
	for name := range in {
		if !from[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
