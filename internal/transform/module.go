package transform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/smartmodule"
)

// A module is a stage that is a SmartModule.
type module struct {
	place
	kind    Kind
	name    string // of the file, for messages
	module  *smartmodule.Module
	options smartmodule.Options
	initial string // of one that aggregates

	mu     sync.Mutex
	runner *smartmodule.Runner // nil until it has started
}

// fits tells which kinds of modules a step takes, and what to write for each kind otherwise.
var (
	fits = map[Kind][]smartmodule.Kind{
		Map:      {smartmodule.Map, smartmodule.FilterMap, smartmodule.Aggregate},
		Filter:   {smartmodule.Filter},
		ArrayMap: {smartmodule.ArrayMap},
		Uses: {
			smartmodule.Filter, smartmodule.Map, smartmodule.FilterMap, smartmodule.ArrayMap, smartmodule.Aggregate,
		},
	}
	instead = map[smartmodule.Kind]Kind{
		smartmodule.Filter: Filter, smartmodule.Map: Map, smartmodule.FilterMap: Map, smartmodule.ArrayMap: ArrayMap,
		smartmodule.Aggregate: Map,
	}
)

// newModule reads a SmartModule and checks that it can be what the step says.
func newModule(s Step, at place, o Options) (*module, *SyntaxError) {
	path := strings.TrimPrefix(strings.TrimSpace(s.Expr), "@")
	bad := func(reason string) *SyntaxError { return &SyntaxError{File: path, Reason: reason} }
	file, err := o.ReadModule(path)
	if err != nil {
		reason := err.Error()
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			reason = pathErr.Err.Error() // the path is in the message already
		}
		if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(path, ".") {
			reason += ` (what ends in .wasm is the file of a SmartModule; for the field of that name write .["wasm"])`
		}
		return nil, bad(reason)
	}
	m, err := smartmodule.Parse(file)
	if err != nil {
		return nil, bad(err.Error())
	}
	for _, kind := range fits[s.Kind] {
		if kind == m.Kind() {
			if s.LookBack != nil && !m.HasLookBack() {
				return nil, bad("it cannot look back: it does not export look_back")
			}
			if s.Initial != "" && kind != smartmodule.Aggregate {
				return nil, bad(fmt.Sprintf("it takes no initial value: it exports %s, and only an aggregate begins with one", kind))
			}
			made := &module{
				place: at, kind: s.Kind, name: filepath.Base(path), module: m,
				options: smartmodule.Options{Params: s.Params, LookBack: s.LookBack, Cache: o.Cache},
			}
			if kind == smartmodule.Aggregate {
				made.initial = cmp.Or(s.Initial, o.Initial)
				made.options.Accumulator = []byte(made.initial)
			}
			return made, nil
		}
	}
	return nil, bad(fmt.Sprintf("the module exports %s, which goes with --%s", m.Kind(), instead[m.Kind()]))
}

// start returns the module at work. It waits where another goroutine starts it.
func (m *module) start(ctx context.Context) (*smartmodule.Runner, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runner == nil {
		var err error
		if m.runner, err = m.module.Start(ctx, m.options); err != nil {
			return nil, err
		}
	}
	return m.runner, nil
}

func (m *module) fail(err error) error {
	return m.place.fail(m.kind, errors.New(m.name+": "+oneLine(err.Error(), maxReason)))
}

// apply implements stage.
func (m *module) apply(ctx context.Context, parts []part, outcomes []Outcome) []part {
	results, err := m.run(ctx, parts)
	if err != nil {
		for _, p := range parts {
			outcomes[p.of].Err = err
		}
		return nil
	}
	made := make([]part, 0, len(parts))
	for i, p := range parts {
		if err := results[i].Err; err != nil && outcomes[p.of].Err == nil {
			outcomes[p.of].Err = m.fail(err)
		}
		for n, out := range results[i].Out {
			child := part{p.rec, p.of}
			if m.module.Kind() != smartmodule.Filter {
				child.rec = m.made(p.rec, out)
			}
			if len(results[i].Out) > 1 && child.rec.ID != "" {
				child.rec.ID += "." + strconv.Itoa(n)
			}
			made = append(made, child)
		}
	}
	return made
}

// inputs are records as a module sees them.
func inputs(n int, at func(i int) *record.Record) []smartmodule.Input {
	in := make([]smartmodule.Input, n)
	for i := range in {
		rec := at(i)
		in[i] = smartmodule.Input{Key: rec.Key, Value: rec.Value, Time: rec.Time}
	}
	return in
}

// lookBack shows the module earlier records.
func (m *module) lookBack(ctx context.Context, recs []record.Record) error {
	runner, err := m.start(ctx)
	if err == nil {
		err = runner.LookBack(ctx, inputs(len(recs), func(i int) *record.Record { return &recs[i] }))
	}
	if err != nil {
		return m.fail(err)
	}
	return nil
}

// run gives the records of parts to the module. The error concerns all of them.
func (m *module) run(ctx context.Context, parts []part) ([]smartmodule.Result, error) {
	runner, err := m.start(ctx)
	if err == nil {
		var results []smartmodule.Result
		if results, err = runner.Run(ctx, inputs(len(parts), func(i int) *record.Record { return &parts[i].rec })); err == nil {
			return results, nil
		}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", m.kind, err)
	}
	return nil, m.fail(err)
}

// made is rec as the module has changed it.
func (m *module) made(rec record.Record, out smartmodule.Output) record.Record {
	rec.Key, rec.Value = out.Key, out.Value
	return rec
}

var _ stage = (*module)(nil)
