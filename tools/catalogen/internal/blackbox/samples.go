package blackbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An option is one option with one value.
type option struct {
	name  string
	value any
}

// samples are options with values to try at every door, fit for a command line.
type samples struct {
	good  [][]option // one for each option, but for some that are proven; those in a list go together
	bad   []option   // one for each option that is not proven
	kinds []option   // those of bad that are the first of their kind

	// understood holds the kinds of options of which the program has read a value, though it may refuse it for a reason that
	// no schema can say: one option may have a meaning beside another only.
	understood map[string]bool
}

// pickSamples chooses the samples by what validate --batch has said of them. The problem is about its answers.
func (x *examiner) pickSamples(ctx context.Context) (problem string, err error) {
	all := x.candidateSamples()
	verdicts := make([]verdict, len(all))
	for i, s := range all {
		verdicts[i] = x.judged[string(mustJSON(x.base.with(s.name, s.value)))]
		if verdicts[i].Valid == nil {
			return "not every document was judged", nil
		}
	}
	x.samples.understood = map[string]bool{}
	var good []option
	tried, found, seen, own := map[string]bool{}, map[string]bool{}, map[string]bool{}, false
	for i, s := range all {
		first := !tried[s.name]
		tried[s.name] = true
		p := x.options[s.name]
		if verdicts[i].accepts() {
			x.samples.understood[p.family()] = true
		}
		switch {
		case *verdicts[i].Valid:
			if !found[s.name] {
				good, found[s.name] = append(good, s), true
			}
		case !p.accepts(s.value) || first && !x.proven(p) && !own:
			own = own || p.accepts(s.value) // of those refused for a reason of the connector's own, one will do
			x.samples.bad = append(x.samples.bad, s)
			if kind := p.family(); !seen[kind] {
				seen[kind] = true
				x.samples.kinds = append(x.samples.kinds, s)
			}
		}
	}
	// What the schema accepts together the connector may still refuse for a reason of its own; then halves may do.
	for groups := x.together(good); len(groups) > 0; {
		verdicts, problem, err := x.validTogether(ctx, groups)
		if err != nil || problem != "" {
			return problem, err
		}
		var halves [][]option
		for i, group := range groups {
			if *verdicts[i].Valid || len(group) == 1 {
				x.samples.good = append(x.samples.good, group)
			} else {
				halves = append(halves, group[:len(group)/2], group[len(group)/2:])
			}
		}
		groups = halves
	}
	x.samples.good = x.worthwhile(x.samples.good)
	return "", nil
}

// worthwhile leaves out the lists in which every option is proven, but for one if that is all.
func (x *examiner) worthwhile(groups [][]option) [][]option {
	kept := slices.DeleteFunc(slices.Clone(groups), func(group []option) bool {
		return !slices.ContainsFunc(group, func(o option) bool { return !x.proven(x.options[o.name]) })
	})
	if len(kept) == 0 && len(groups) > 0 {
		return groups[:1]
	}
	return kept
}

// proven tells whether an option is read by the same code in every connector, so that trying all of it in each would prove
// nothing more.
func (x *examiner) proven(p property) bool { return p.Shared && x.profile.Includes(SDK) }

// mostTries is how many values are tried of an option until the program takes one: the schema does not know what is an
// expression, say.
const mostTries = 8

// candidateSamples picks for each option values that the schema accepts and one that it refuses.
func (x *examiner) candidateSamples() []option {
	var found []option
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		p := x.options[name]
		good, bad := 0, x.proven(p)
		for _, value := range slices.Concat(p.examples, p.enum, p.candidates()) {
			if good == mostTries && bad {
				break
			}
			if !p.spellable(value) || isEmpty(value) {
				continue
			}
			switch accepted := p.accepts(value); {
			case accepted && good < mostTries:
				found = append(found, option{name, value})
				good++
			case !accepted && !bad:
				found = append(found, option{name, value})
				bad = true
			}
		}
	}
	return found
}

// barren names the kinds of options of which the program understands no value, so that nothing good was tried of them.
func (x *examiner) barren() []string {
	names := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(x.options)) {
		kind := x.options[name].family()
		names[kind] = append(names[kind], "--"+name)
	}
	var problems []string
	for _, kind := range slices.Sorted(maps.Keys(names)) {
		if !x.samples.understood[kind] {
			problems = append(problems, "no value is known that works for "+strings.Join(names[kind], ", ")+"; give the schema of one of them examples")
		}
	}
	return problems
}

// together puts options into as few lists as the schema allows: each goes into the first with which it is accepted.
func (x *examiner) together(options []option) [][]option {
	var groups [][]option
next:
	for _, s := range options {
		for i, group := range groups {
			if x.accepts(x.base.plus(append(group[:len(group):len(group)], s))) {
				groups[i] = append(group, s)
				continue next
			}
		}
		groups = append(groups, []option{s})
	}
	return groups
}

// validTogether asks the program once which lists of options it accepts. The problem is about the answers as a whole.
func (x *examiner) validTogether(ctx context.Context, groups [][]option) (verdicts []verdict, problem string, err error) {
	trials := make([]trial, len(groups))
	for i, group := range groups {
		if trials[i].text, err = json.Marshal(x.base.plus(group)); err != nil {
			return nil, "", err
		}
	}
	return x.batch(ctx, trials)
}

// family is the same for options that one and the same reader can be expected to read.
func (p property) family() string {
	items := ""
	if p.items != nil {
		items = p.items.family()
	}
	return fmt.Sprint(p.Type, " ", p.Kind, " ", len(p.enum) > 0, " ", items)
}
