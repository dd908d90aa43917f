package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/itchyny/gojq"

	"github.com/patchbay-dev/patchbay/common"
)

// A recipe makes records. It is not safe for concurrent use.
type recipe struct {
	template *gojq.Code // nil for the identity, which needs no jq
	key      *gojq.Code // nil for null, no key
	random   *rand.Rand
	size     int    // payloads are filled up to this size
	filler   []byte // letters to fill them with
}

func newRecipe(template, key string, size int, random *rand.Rand) (r *recipe, err error) {
	r = &recipe{random: random, size: size}
	if template != "." {
		if r.template, err = compile("template", template, random); err != nil {
			return nil, err
		}
	}
	if key != "null" {
		if r.key, err = compile("key", key, random); err != nil {
			return nil, err
		}
	}
	for range size {
		r.filler = append(r.filler, byte('a'+random.IntN(26)))
	}
	return r, nil
}

// compile compiles the jq expression of an option, which may use the function random.
func compile(option, text string, random *rand.Rand) (*gojq.Code, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, common.Invalid(option, "%v", err)
	}
	code, err := gojq.Compile(query, gojq.WithFunction("random", 0, 0, func(any, []any) any { return random.Float64() }))
	if err != nil {
		return nil, common.Invalid(option, "%v", err)
	}
	return code, nil
}

// record makes record n, which is said to happen at a time.
func (r *recipe) record(ctx context.Context, n int, at time.Time) (common.Record, error) {
	rec := common.Record{Time: at}
	number := r.random.Float64()
	if r.template == nil && r.key == nil {
		rec.Value = appendInput(make([]byte, 0, max(r.size, 128)), n, number, at)
	} else if err := r.cook(ctx, &rec, map[string]any{
		"sequence": n, "random": number, "time": at.UTC().Format(time.RFC3339Nano),
	}); err != nil {
		return rec, err
	}
	return rec, r.fill(&rec)
}

// cook makes payload and key with jq.
func (r *recipe) cook(ctx context.Context, rec *common.Record, payload any) (err error) {
	if r.template != nil {
		if payload, err = first(ctx, r.template, payload); err != nil {
			return fmt.Errorf("--template: %w", err)
		}
	}
	if rec.Value, err = gojq.Marshal(payload); err != nil || r.key == nil {
		return err
	}
	key, err := first(ctx, r.key, payload)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	switch key := key.(type) {
	case nil:
	case string:
		rec.Key = key
	default:
		text, err := gojq.Marshal(key)
		rec.Key = string(text)
		return err
	}
	return nil
}

// first gives the first output of an expression.
func first(ctx context.Context, code *gojq.Code, input any) (any, error) {
	value, ok := code.RunWithContext(ctx, input).Next()
	if !ok {
		return nil, errors.New("the expression has no output")
	}
	err, _ := value.(error)
	return value, err
}

// appendInput writes what a template gets as input, as jq would.
func appendInput(dst []byte, n int, random float64, at time.Time) []byte {
	dst = append(dst, `{"random":`...)
	dst = strconv.AppendFloat(dst, random, 'f', -1, 64)
	dst = append(dst, `,"sequence":`...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, `,"time":"`...)
	dst = at.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, `"}`...)
}

// fill adds the filler that a payload lacks.
func (r *recipe) fill(rec *common.Record) error {
	if r.size == 0 {
		return nil
	}
	end := len(rec.Value) - 1
	if rec.Value[end] != '}' {
		return fmt.Errorf("--size: the payload %.40s is no object, so nothing can be added", rec.Value)
	}
	start := `,"filler":"`
	if end == 1 {
		start = start[1:]
	}
	missing := r.size - len(rec.Value) - len(start) - len(`"`)
	if missing <= 0 {
		return nil
	}
	value := append(rec.Value[:end], start...)
	value = append(value, r.filler[:missing]...)
	rec.Value = append(value, `"}`...)
	return nil
}
