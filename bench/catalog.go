package main

import (
	"context"
	"fmt"
	"os"
)

const (
	catalogRounds     = 5
	catalogConnectors = 20
	catalogGoal       = 0.5 // seconds, for that many built connectors
	unchangedGoal     = 2   // seconds, for make catalog on a tree where nothing has changed
	editedGoal        = 2   // seconds beyond its own build and test, for make catalog where one connector has changed
)

// measureCatalog measures catalogen on connectors that are built and proved: made-up ones, then this repository's.
func measureCatalog(ctx context.Context, b *bench) ([]Figure, error) {
	var figures []Figure
	for _, m := range []struct {
		name    string
		measure func(context.Context, *bench) ([]Figure, error)
	}{
		{fmt.Sprintf("%d built connectors to a catalog", catalogConnectors), builtConnectors},
		{fmt.Sprintf("%d built connectors to a catalog", many), manyConnectors},
		{"make catalog", inTree},
	} {
		found, err := m.measure(ctx, b)
		if err != nil {
			found = append(found, Figure{Name: m.name, Error: err.Error()})
		}
		figures = append(figures, found...)
	}
	return figures, nil
}

// builtConnectors makes a root of connectors that are one program under many names, and measures how long it takes to probe
// all of them, validate what they say, index it and render the site into an empty folder.
func builtConnectors(ctx context.Context, b *bench) ([]Figure, error) {
	m, err := makeMadeUp(b)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(m.temp)
	if err := m.grow(catalogConnectors); err != nil {
		return nil, err
	}
	c, err := m.generate(ctx, 1+catalogRounds) // the first one proves them
	if err != nil {
		return nil, err
	}
	f := Figure{
		Name: fmt.Sprintf("%d built connectors to a catalog", catalogConnectors), Value: c.wall.Seconds(), Unit: Seconds,
		Note: fmt.Sprintf("%s CPU; median of %d", Seconds.format(c.cpu.Seconds()), catalogRounds),
	}
	return []Figure{f.judge(Goal{Most: catalogGoal})}, nil
}
