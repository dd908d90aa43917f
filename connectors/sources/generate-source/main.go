// Command generate-source is a source that makes records up: for demonstrations, for tests and for load.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

func main() {
	common.RunSource(common.Info{
		Name: "generate-source", Version: "0.1.0", Category: "Testing",
		Description: "Makes records up from a jq template, at a steady rate or as fast as they are taken.",
		Checks: []string{
			"template and key are jq expressions that compile",
			"size is 16 MiB at most",
		},
		Examples: []common.Example{
			{Title: "Print five records", Args: []string{"--topic", "-", "--max-records", "5"}},
			{Title: "Publish a hundred made-up orders a second, by customer", Args: []string{
				"--topic", "orders", "--rate", "100",
				"--key", ".customer", "--template",
				`{order: .sequence, customer: "c-\(random * 50 | floor)", item: (["tea", "coffee", "cake"][random * 3 | floor]), at: .time}`,
			}},
			{Title: "Load a topic with a million records of 1 KiB, as fast as it takes them", Args: []string{
				"--topic", "load",
				"--rate", "0", "--count", "1000000", "--size", "1KiB",
			}},
		},
	}, &Generate{})
}

// Generate holds the options that only this connector has.
type Generate struct {
	Template string      `help:"jq expression that makes a payload; its input has sequence (from 1), random (from 0 to below 1) and time (RFC 3339), and each use of random gives another number." placeholder:"EXPR" default:"." change:"config"`
	Key      string      `help:"jq expression that makes the key from the payload; null means no key." placeholder:"EXPR" default:"null" change:"config"`
	Size     common.Size `help:"Fill payloads, which must be objects, up to this size with a member called filler; 0 means not at all." default:"0B" change:"config"`
	Rate     float64     `help:"Records a second; 0 means as fast as they are taken." default:"1" min:"0" max:"1000000" unit:"records/s" change:"config"`
	Count    int         `help:"End after this many records; 0 means never, and with --once one record." default:"0" min:"0" unit:"records"`
	Seed     int64       `help:"Seed of the random numbers: the same seed makes the same records, but for their times. 0 means a different one each time." default:"0" min:"0"`
}

// maxSize is the largest --size. A broker takes less, the link protocol a few times more.
const maxSize = 16 << 20

// maxLag is how far a source that was held up may fall behind its rate and still make up for it.
const maxLag = time.Second

// Run makes records until there are enough or ctx ends. It keeps no position: what was made up need not be made again.
func (g *Generate) Run(ctx context.Context, out common.Output) error {
	seed := uint64(g.Seed)
	if seed == 0 {
		seed = rand.Uint64()
	}
	recipe, err := newRecipe(g.Template, g.Key, int(g.Size), rand.New(rand.NewPCG(seed, 0)))
	if err != nil {
		return common.Permanent(err)
	}
	count := g.Count
	if count == 0 && out.Once() {
		count = 1
	}
	due := time.Now()
	for n := 1; count == 0 || n <= count; n++ {
		now := time.Now()
		if g.Rate > 0 {
			if wait := due.Sub(now); wait > 0 {
				if err := common.Sleep(ctx, wait); err != nil {
					return err
				}
				now = time.Now()
			} else if -wait > maxLag {
				due = now
			}
			due = due.Add(time.Duration(float64(time.Second) / g.Rate))
		}
		rec, err := recipe.record(ctx, n, now)
		if err != nil {
			return common.Permanent(fmt.Errorf("record %d: %w", n, err))
		}
		if err := out.Send(ctx, rec); err != nil {
			return err
		}
	}
	return nil
}

// Validate implements common.Validator.
func (g *Generate) Validate() error {
	var size error
	if g.Size > maxSize {
		size = common.Invalid("size", "%s is more than %s", g.Size, common.Size(maxSize))
	}
	_, template := compile("template", g.Template, nil)
	_, key := compile("key", g.Key, nil)
	return errors.Join(size, template, key)
}
