package transform

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/patchbay-dev/patchbay/common/record"
)

// An item is a record between two steps. Its value is shared and never changed: gojq copies what it updates.
type item struct {
	value   any
	id      string
	changed bool // value is no longer what the payload holds
}

// A step is one compiled expression.
type step struct {
	place
	kind Kind
	code *gojq.Code
	vars []variable // those that code declares, in its order
}

// expressions are steps that follow one another, on a payload that is decoded once.
type expressions struct {
	steps []step
	topic string
}

// one applies the steps to one record.
func (e expressions) one(ctx context.Context, rec record.Record) ([]record.Record, error) {
	value, err := decode(rec.Value)
	if err != nil {
		return nil, e.steps[0].fail(err)
	}
	var (
		first [1]item // spares the allocation where nothing fans out
		items = append(first[:0], item{value: value, id: rec.ID})
		vars  = variables{topic: e.topic, key: rec.Key, time: rec.Time, headers: rec.Headers}
	)
	for i := range e.steps {
		if items, err = e.steps[i].apply(ctx, items, &vars); err != nil {
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

// apply implements stage.
func (e expressions) apply(ctx context.Context, parts []part, outcomes []Outcome) []part {
	made := make([]part, 0, len(parts))
	for _, p := range parts {
		if outcomes[p.of].Err != nil {
			continue
		}
		records, err := e.one(ctx, p.rec)
		if err != nil {
			outcomes[p.of].Err = err
			continue
		}
		for _, rec := range records {
			made = append(made, part{rec, p.of})
		}
	}
	return made
}

// apply runs the step on every item. It reuses the memory of items for what it returns where it can.
func (s *step) apply(ctx context.Context, items []item, vars *variables) ([]item, error) {
	args := vars.args(s.vars)
	if s.kind == ArrayMap {
		return s.fanOut(ctx, items, args)
	}
	kept := items[:0]
	for _, it := range items {
		v, ok, err := s.one(ctx, it.value, args)
		switch {
		case err != nil:
			return nil, err
		case s.kind == Filter:
			if !ok || v == nil || v == false {
				continue
			}
		case !ok:
			return nil, s.fail(errNoOutput)
		default:
			it.value, it.changed = v, true
		}
		kept = append(kept, it)
	}
	return kept, nil
}

var (
	errNoOutput   = errors.New("no output, and a map needs one; to drop records use --filter")
	errMapMany    = errors.New("more than one output; to make several records of one use --arraymap")
	errFilterMany = errors.New("more than one output, and a filter needs one; combine them with any(…) or all(…)")
	errHalt       = errors.New("halt is not available: an expression cannot stop the connector")
)

// one returns the only output of the expression; ok is false if there is none.
func (s *step) one(ctx context.Context, in any, args []any) (v any, ok bool, err error) {
	outputs := s.code.RunWithContext(ctx, in, args...)
	v, ok = outputs.Next()
	if !ok {
		return nil, false, nil
	}
	if err, bad := v.(error); bad {
		return nil, false, s.failEval(ctx, err)
	}
	if second, more := outputs.Next(); more {
		if err, bad := second.(error); bad {
			return nil, false, s.failEval(ctx, err)
		}
		if s.kind == Filter {
			return nil, false, s.fail(errFilterMany)
		}
		return nil, false, s.fail(errMapMany)
	}
	return v, true, nil
}

// fanOut makes an item of each output, and of each element of an output that is an array.
func (s *step) fanOut(ctx context.Context, items []item, args []any) ([]item, error) {
	var children []item
	for _, parent := range items {
		start := len(children)
		outputs := s.code.RunWithContext(ctx, parent.value, args...)
		for v, ok := outputs.Next(); ok; v, ok = outputs.Next() {
			switch v := v.(type) {
			case error:
				return nil, s.failEval(ctx, v)
			case []any:
				for _, element := range v {
					children = append(children, item{value: element, id: parent.id, changed: true})
				}
			default:
				children = append(children, item{value: v, id: parent.id, changed: true})
			}
		}
		if siblings := children[start:]; len(siblings) > 1 && parent.id != "" {
			for i := range siblings {
				siblings[i].id = parent.id + "." + strconv.Itoa(i)
			}
		}
	}
	return children, nil
}

// A StepError says which step could not transform a record, and why.
type StepError struct {
	// Index is the place of the step in the chain, from 0.
	Index int
	Kind  Kind
	// Err is the reason, in one line of bounded length. It may quote the beginning of a value of the payload.
	Err error

	total int
}

// Error is one line that names the step, by its number too where the chain has several.
func (e *StepError) Error() string {
	if e.total > 1 {
		return fmt.Sprintf("%s (step %d of %d): %v", e.Kind, e.Index+1, e.total, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Kind, e.Err)
}

// Unwrap returns Err.
func (e *StepError) Unwrap() error { return e.Err }

func (s *step) fail(err error) error { return s.place.fail(s.kind, err) }

// A place is where a step stands in its chain.
type place struct{ index, total int }

func (p place) fail(kind Kind, err error) error {
	return &StepError{Index: p.index, Kind: kind, Err: err, total: p.total}
}

// failEval turns what the evaluation ended with into the error of Apply. The error of gojq is reduced to its text, since
// it can hold the whole payload.
func (s *step) failEval(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%s: %w", s.kind, err)
	}
	var halt *gojq.HaltError
	if errors.As(err, &halt) && halt.Value() == nil {
		return s.fail(errHalt)
	}
	return s.fail(errors.New(oneLine(err.Error(), maxReason)))
}

// maxReason bounds the text of an evaluation error in bytes: a user's error(…) may quote a whole payload.
const maxReason = 200

// oneLine makes s printable in a single line and cuts it to at most limit bytes plus an ellipsis.
func oneLine(s string, limit int) string {
	cut := len(s) > limit
	if cut {
		s = s[:limit]
		for len(s) > 0 {
			if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if cut {
		s += "…"
	}
	return s
}

var _ error = (*StepError)(nil)
