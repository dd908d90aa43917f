// Package transform runs the chain of map, filter and arraymap steps that a user puts between a source and a topic or a
// topic and a sink. The steps are jq expressions; they are compiled once, when a connector starts, and then applied to
// every record.
//
// # What an expression sees
//
// The input is the decoded payload. A payload that is not one JSON value is the JSON string of its text, an empty payload
// is null, and a payload that is not UTF-8 is an error. Variables give the rest of the record, as it was before the first
// step: $key and $topic are strings, $time is an RFC 3339 string in UTC with as many fractional digits as it needs (null
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
package transform

import (
	"context"

	"github.com/patchbay-dev/patchbay/common/record"
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
)

// A Step is one transform as the user wrote it.
type Step struct {
	Kind Kind
	// Expr is a jq expression, or @path to read the expression from a file.
	Expr string
}

// Options are what a chain needs beside its steps. The zero value is ready to use.
type Options struct {
	// Topic is the value of $topic.
	Topic string
	// ReadFile reads the file of an @path; nil means os.ReadFile.
	ReadFile func(string) ([]byte, error)
}

// A Chain is a compiled list of steps. It is safe for concurrent use. A nil Chain is an empty one.
type Chain struct {
	steps []step
	topic string
}

// Len is the number of steps.
func (c *Chain) Len() int {
	if c == nil {
		return 0
	}
	return len(c.steps)
}

// Apply runs the steps on rec in their order and returns the records that come out: none if rec was dropped, one or more
// otherwise. An empty chain returns rec. Apply computes and does not wait for anything; it never changes what rec points to.
//
// Every returned record is rec with another Value, and perhaps another ID. Value is the very slice of rec if only filters
// saw it. For a delete, an output of null is an empty payload, so that a tombstone stays one under a map such as ".".
// ID stays that of rec unless an arraymap makes several records of one: each then gets ".0", ".1", … appended, its
// place among its siblings before any later filter, so that the same child has the same ID whatever becomes of the
// others. An empty ID stays empty. Headers are shared with rec.
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
	value, err := decode(rec.Value)
	if err != nil {
		return nil, c.steps[0].fail(err)
	}
	var (
		first [1]item // spares the allocation where nothing fans out
		items = append(first[:0], item{value: value, id: rec.ID})
		vars  = variables{topic: c.topic, key: rec.Key, time: rec.Time, headers: rec.Headers}
	)
	for i := range c.steps {
		if items, err = c.steps[i].apply(ctx, items, &vars); err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return nil, nil
		}
	}
	out := make([]record.Record, len(items))
	for i, it := range items {
		out[i] = rec
		out[i].ID = it.id
		if it.changed {
			out[i].Value = encode(it.value, rec.Op)
		}
	}
	return out, nil
}
