// Command generate-source is a source that makes records up: for demonstrations, for tests and for load.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/itchyny/gojq"

	"github.com/patchbay-dev/patchbay/common"
)

func main() {
	common.RunSource(common.Info{
		Name: "generate-source", Version: "0.1.0", Category: "Testing",
		Description: "Makes records up from a jq template, at a steady rate or as fast as they are taken.",
		Checks:      []string{"template is a jq expression that compiles"},
		Examples: []common.Example{
			{Title: "Print five records", Args: []string{"--topic", "-", "--max-records", "5"}},
			{Title: "Publish a hundred made-up orders a second", Args: []string{"--topic", "orders", "--rate", "100",
				"--template", `{order: .sequence, item: (["tea", "coffee", "cake"][.random * 3 | floor]), at: .time}`}},
		},
	}, &Generate{})
}

// Generate holds the options that only this connector has.
type Generate struct {
	Template string  `help:"jq expression that makes the payload of a record. Its input is an object with sequence (from 1), random (from 0 to below 1) and time (RFC 3339)." placeholder:"EXPR" default:"." change:"config"`
	Rate     float64 `help:"Records a second; 0 means as fast as they are taken." default:"1" min:"0" max:"1000000" unit:"records/s" change:"config"`
	Count    int     `help:"End after this many records; 0 means never, and with --once one record." default:"0" min:"0" unit:"records"`
	Seed     int64   `help:"Seed of the random numbers: the same seed makes the same records, but for their times. 0 means a different one each time." default:"0" min:"0"`
}

// Run makes records until there are enough or ctx ends. It keeps no position: what was made up need not be made again.
func (g *Generate) Run(ctx context.Context, out common.Output) error {
	template, err := g.compile()
	if err != nil {
		return common.Permanent(err)
	}
	count := g.Count
	if count == 0 && out.Once() {
		count = 1
	}
	seed := uint64(g.Seed)
	if seed == 0 {
		seed = rand.Uint64()
	}
	random := rand.New(rand.NewPCG(seed, 0))
	start := time.Now()
	for n := 1; count == 0 || n <= count; n++ {
		if g.Rate > 0 {
			due := start.Add(time.Duration(float64(n-1) / g.Rate * float64(time.Second)))
			if err := common.Sleep(ctx, time.Until(due)); err != nil {
				return err
			}
		}
		now := time.Now()
		value, err := render(ctx, template, map[string]any{
			"sequence": n, "random": random.Float64(), "time": now.UTC().Format(time.RFC3339Nano),
		})
		if err != nil {
			return common.Permanent(fmt.Errorf("--template: record %d: %w", n, err))
		}
		if err := out.Send(ctx, common.Record{Value: value, Time: now}); err != nil {
			return err
		}
	}
	return nil
}

// Validate implements common.Validator.
func (g *Generate) Validate() error {
	if _, err := g.compile(); err != nil {
		return common.Invalid("template", "%v", err)
	}
	return nil
}

func (g *Generate) compile() (*gojq.Code, error) {
	query, err := gojq.Parse(g.Template)
	if err != nil {
		return nil, err
	}
	return gojq.Compile(query)
}

// render gives the first output of the template as JSON.
func render(ctx context.Context, template *gojq.Code, input map[string]any) ([]byte, error) {
	value, ok := template.RunWithContext(ctx, input).Next()
	if !ok {
		return nil, errors.New("the template has no output")
	}
	if err, ok := value.(error); ok {
		return nil, err
	}
	return json.Marshal(value)
}
