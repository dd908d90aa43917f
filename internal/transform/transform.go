// Package transform runs the chain of map, filter and arraymap steps that a user puts between a source and a topic or a
// topic and a sink. A step is a jq expression, or a SmartModule where its text ends in .wasm; all are compiled once, when a
// connector starts, and then applied to every record.
//
// # What an expression sees
//
// The input is the decoded payload. A payload that is not one JSON value is the JSON string of its text, an empty payload
// is null, and a payload that is not UTF-8 is an error. Variables give the rest of the record, as it was before the first
// step (but for a key that a SmartModule has changed): $key and $topic are strings, $time is an RFC 3339 string in UTC with as many fractional digits as it needs (null
// when unknown), $headers is an object of strings.
//
// An expression sees nothing else. The environment is empty ($ENV and env are {}), modules cannot be loaded, and input,
// inputs, debug and stderr do not exist; halt and halt_error fail the record and never end the process.
//
// # What comes out
//
// A changed payload is compact JSON with sorted object keys and without HTML escapes. A number that an expression only
// moves keeps its digits exactly; integer arithmetic is exact at any size; arithmetic with decimals is that of float64,
// as in jq. A payload that only passes filters is not encoded again: it keeps its bytes.
//
// # What a SmartModule sees
//
// Key, time and the payload's bytes, whatever they are. What it makes keeps the rest of the record: id, headers, type and
// subject. Where several records are at hand, it is given up to 100 in one call.
package transform

import (
	"context"
	"errors"
	"slices"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/smartmodule"
)

// Kind says what a step does with the outputs of its expression. The words are the names of the flags.
type Kind string

const (
	// Map replaces the payload with the one output of the expression. No output or more than one is an error.
	Map Kind = "map"
	// Filter keeps the record, byte for byte, if the one output is truthy: anything but false and null. No output drops
	// the record too, so select(f) is a filter. More than one output is an error.
	Filter Kind = "filter"
	// ArrayMap makes each output a record of its own; an output that is an array is spread, one level deep, into a record
	// per element. No output, and the empty array, drop the record.
	ArrayMap Kind = "arraymap"
	// Uses does what the SmartModule does, whichever kind that is. It takes no jq expression.
	Uses Kind = "uses"
)

// A Step is one transform as the user wrote it.
type Step struct {
	Kind Kind
	// Expr is a jq expression, @path to read the expression from a file, or the path of a SmartModule, which ends in .wasm.
	Expr string
	// Params and LookBack are those of a SmartModule. LookBack is nil for none.
	Params   map[string]string
	LookBack *smartmodule.LookBack
	// Initial is what a SmartModule that aggregates begins with where no State is restored; empty for that of Options.
	Initial string
}

// Options are what a chain needs beside its steps. The zero value is ready to use.
type Options struct {
	// Topic is the value of $topic.
	Topic string
	// ReadFile reads the file of an @path; nil means os.ReadFile.
	ReadFile func(string) ([]byte, error)
	// ReadModule reads the file of a SmartModule; nil means ReadFile.
	ReadModule func(string) ([]byte, error)
	// Initial is what those SmartModules that aggregate begin with whose steps do not say.
	Initial string
	// Cache is the folder for the compiled code of SmartModules; empty for none.
	Cache string
}

// A Chain is a compiled list of steps. It is safe for concurrent use. A nil Chain is an empty one.
type Chain struct {
	stages  []stage
	total   int                // steps
	keeping map[string]*module // those that aggregate
}

// A stage is a part of a chain: expressions that follow one another, or a SmartModule.
type stage interface {
	// apply transforms parts, which it may reuse. Those at fault are left out and have their error in outcomes.
	apply(ctx context.Context, parts []part, outcomes []Outcome) []part
}

// A part is a record on its way through the stages.
type part struct {
	rec record.Record
	of  int // the record of the list that it came from
}

// An Outcome is what became of one record.
type Outcome struct {
	// Records are those that come out, as Apply returns them.
	Records []record.Record
	// Err is that of Apply.
	Err error
}

// Len is the number of steps.
func (c *Chain) Len() int {
	if c == nil {
		return 0
	}
	return c.total
}

// Batches reports whether records that are applied together cost less than one by one.
func (c *Chain) Batches() bool {
	return len(c.modules()) > 0
}

// Open compiles and starts the SmartModules, which may take seconds for those that the cache does not hold. Without it each
// starts with its first record. The error is a *StepError. After Open, or Apply, the caller must call Close.
func (c *Chain) Open(ctx context.Context) error {
	for _, m := range c.modules() {
		if _, err := m.start(ctx); err != nil {
			return m.fail(err)
		}
	}
	return nil
}

// LooksBack returns how many earlier records the SmartModules that shall look back want to see at the most; 0 for none.
func (c *Chain) LooksBack() (last int) {
	for _, m := range c.modules() {
		if back := m.options.LookBack; back != nil {
			last = max(last, back.Last)
		}
	}
	return last
}

// LookBack shows the SmartModules that shall look back the last of recs, which went before those that will be applied: to each
// of them as they are here. It is called before Apply. The error is a *StepError.
func (c *Chain) LookBack(ctx context.Context, recs []record.Record) error {
	for _, m := range c.modules() {
		if err := m.lookBack(ctx, recs); err != nil {
			return err
		}
	}
	return nil
}

// modules are the SmartModules, in their order.
func (c *Chain) modules() (all []*module) {
	if c == nil {
		return nil
	}
	for _, s := range c.stages {
		if m, ok := s.(*module); ok {
			all = append(all, m)
		}
	}
	return all
}

// Close ends the SmartModules. Nothing may be applied meanwhile or afterwards.
func (c *Chain) Close() error {
	var errs []error
	for _, m := range c.modules() {
		errs = append(errs, m.runner.Close())
	}
	return errors.Join(errs...)
}

// Apply runs the steps on rec in their order and returns the records that come out: none if rec was dropped, one or more
// otherwise. An empty chain returns rec. Apply computes and, but for other records in a SmartModule, does not wait for
// anything; it never changes what rec points to.
//
// Every returned record is rec with another Value, and perhaps another ID, or another Key from a SmartModule. Value is the
// very slice of rec if only filters saw it. For a delete, an output of null is an empty payload, so that a tombstone stays
// one under a map such as ".". ID stays that of rec unless an arraymap makes several records of one: each then gets ".0",
// ".1", … appended, its place among its siblings before any later filter, so that the same child has the same ID whatever
// becomes of the others. An empty ID stays empty. Headers are shared with rec.
//
// Settled is nil in every returned record: the caller keeps rec and settles it when all that came out is settled.
//
// A record that cannot be transformed gives a *StepError and no records. Once ctx is done the expression stops and the
// error is that of ctx, wrapped, and no *StepError: the record is not at fault.
func (c *Chain) Apply(ctx context.Context, rec record.Record) ([]record.Record, error) {
	rec.Settled = nil
	if c.Len() == 0 {
		return []record.Record{rec}, nil
	}
	if e, ok := c.stages[0].(expressions); ok && len(c.stages) == 1 {
		return e.one(ctx, rec)
	}
	out := c.ApplyAll(ctx, []record.Record{rec})[0]
	return out.Records, out.Err
}

// ApplyAll is Apply for several records, in their order. A record that fails is no reason to leave out others.
func (c *Chain) ApplyAll(ctx context.Context, recs []record.Record) []Outcome {
	outcomes := make([]Outcome, len(recs))
	if !c.Batches() {
		for i, rec := range recs {
			outcomes[i].Records, outcomes[i].Err = c.Apply(ctx, rec)
		}
		return outcomes
	}
	parts := make([]part, len(recs))
	for i, rec := range recs {
		rec.Settled = nil
		parts[i] = part{rec, i}
	}
	for _, s := range c.stages {
		parts = s.apply(ctx, parts, outcomes)
		// What has failed here fails as a whole, with the siblings that an arraymap before made.
		parts = slices.DeleteFunc(parts, func(p part) bool { return outcomes[p.of].Err != nil })
	}
	for from := 0; from < len(parts); {
		to := from + 1
		for to < len(parts) && parts[to].of == parts[from].of {
			to++
		}
		records := make([]record.Record, to-from)
		for i := range records {
			records[i] = parts[from+i].rec
		}
		outcomes[parts[from].of].Records = records
		from = to
	}
	return outcomes
}

var _ stage = expressions{}
