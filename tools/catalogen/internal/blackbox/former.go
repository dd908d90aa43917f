package blackbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// former gives options by their former names at every door: each by its oldest, then by the next, as many at a time as go together.
func (x *examiner) former(ctx context.Context) error {
	most := 0
	for _, p := range x.options {
		most = max(most, len(p.Aliases))
	}
	if most == 0 {
		x.leave(NotApplicable, "no option had another name", formerNames)
		return nil
	}
	groups := x.samples.good
	if len(groups) == 0 {
		groups = [][]option{nil} // what the base sets
	}
	for nth := range most {
		for _, group := range groups {
			if err := x.byFormerNames(ctx, group, nth); err != nil {
				return err
			}
		}
	}
	x.note(formerNames, "", "")
	return nil
}

// byFormerNames gives options that are good together by their nth former names at each door. Where none of them has one,
// nothing is tried.
func (x *examiner) byFormerNames(ctx context.Context, group []option, nth int) error {
	now := x.base.plus(group)
	before := document{}
	var renamed []option
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if p := x.options[name]; nth < len(p.Aliases) && p.spellable(now[name]) {
			before[p.Aliases[nth]] = now[name]
			renamed = append(renamed, option{p.Aliases[nth], now[name]})
		} else {
			before[name] = now[name]
		}
	}
	if len(renamed) == 0 {
		return nil
	}
	if !x.accepts(before) {
		x.note(formerNames, "", "the schema refuses "+shorten(mustJSON(before)))
	}
	for _, way := range []struct {
		name string
		door door
	}{{"as flags", byFlag}, {"as variables", x.byVariable}, {"in a config file", x.byFile(hyphens, nil)}} {
		env, args, err := way.door(before, renamed)
		if err != nil {
			return err
		}
		result, err := x.run(ctx, env, append([]string{"validate"}, args...)...)
		if err != nil {
			return err
		}
		if result.Status != 0 {
			var names []string
			for _, o := range renamed {
				names = append(names, o.name)
			}
			x.note(formerNames, way.name, fmt.Sprintf("%s: status %d: %s", strings.Join(names, ", "), result.Status, proc.Tail(result.Stderr, 2)))
		}
	}
	return nil
}

// formerTrials adds documents that give an option by each former name: well, badly, and beside its present one.
func (x *examiner) formerTrials(name string, add func(test string, value any)) {
	p := x.options[name]
	good, ok := p.valid()
	if !ok {
		return
	}
	for _, alias := range p.Aliases {
		d := x.base.without(name)
		add("option "+name, d.with(alias, good))
		add("option "+name, d.with(alias, good).with(name, good))
		for _, bad := range p.candidates() {
			if !p.accepts(bad) {
				add("option "+name, d.with(alias, bad))
				break
			}
		}
	}
}

// formerly returns options by all their former names, with the same values.
func (x *examiner) formerly(now []option) (before []option) {
	for _, o := range now {
		for _, alias := range x.options[o.name].Aliases {
			before = append(before, option{alias, o.value})
		}
	}
	return before
}

// variable returns the environment variable of an option by one of its names.
func (x *examiner) variable(name string) string {
	word := func(name string) string {
		return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(name))
	}
	p := x.named(name)
	return strings.TrimSuffix(p.Env, word(p.Name)) + word(name)
}
