package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/patchbay-dev/patchbay/common/httpclient"
	"github.com/patchbay-dev/patchbay/internal/options"
)

// manyOptions has as many options as a large connector together with the shared ones.
type manyOptions struct {
	First  httpclient.Options `embed:""`
	Second httpclient.Options `embed:"" prefix:"second-" xorprefix:"second-"`
	Third  httpclient.Options `embed:"" prefix:"third-" xorprefix:"third-"`
}

const schemaRounds = 3

// measureSchema measures what every start does to know its own options, and what metadata does to describe them.
func measureSchema(context.Context, *bench) ([]Figure, error) {
	model, err := newModel()
	if err != nil {
		return nil, err
	}
	build := func() error {
		_, err := newModel()
		return err
	}
	describe := func() error {
		if len(model.Schema(options.Draft07, "")) == 0 {
			return errors.New("the schema is empty")
		}
		return nil
	}
	note := fmt.Sprintf("%d options; medians of %d runs", len(model.Options), schemaRounds)
	var figures []Figure
	for _, m := range []struct {
		name string
		do   func() error
	}{{"options struct to model", build}, {"model to JSON Schema, encoded", describe}} {
		var runs []float64
		for range schemaRounds {
			result := testing.Benchmark(func(b *testing.B) {
				for b.Loop() {
					if err := m.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
			if result.N == 0 {
				return nil, fmt.Errorf("%s: the benchmark failed", m.name)
			}
			runs = append(runs, result.T.Seconds()/float64(result.N))
		}
		figures = append(figures, Figure{Name: m.name, Value: median(runs), Unit: Seconds, Note: note})
		note = ""
	}
	return figures, nil
}

func newModel() (*options.Model, error) {
	return options.New(options.Config{
		Name: "bench-source", Description: "Has many options.", Title: "Options",
		Own: &manyOptions{}, Shared: &struct{}{}, Control: &struct{}{},
	})
}
