package change

import "slices"

// A Rule names one kind of change. Its id and its bump are a promise to those who search for them.
type Rule struct {
	ID          string
	Bump        Bump
	Title       string // what happened, as a heading
	Explanation string // whom it hits, and why it asks for this bump
	Fix         string // how to avoid it, or what to tell users
	Replay      Replay
}

// Replay says what becomes of configurations that the old version accepts when they are held against the new one's options.
type Replay string

const (
	// Refuses means that some configuration of the old version is refused, and that one can be found.
	Refuses Replay = "refuses"
	// Accepts means that the change alone makes no configuration unfit. It may break something else.
	Accepts Replay = "accepts"
	// Blind means that the rule cannot tell, as where a pattern or a condition is another.
	Blind Replay = "blind"
)

// Rules lists all rules: those about options first, each group from what is worst to what is harmless.
func Rules() []Rule { return slices.Concat(optionRules, documentRules) }

// rule returns the rule of an id. Only this package writes ids, so one that is not there is its mistake.
func rule(id string) Rule {
	for _, list := range [][]Rule{optionRules, documentRules} {
		if i := slices.IndexFunc(list, func(r Rule) bool { return r.ID == id }); i >= 0 {
			return list[i]
		}
	}
	panic("change: there is no rule " + id)
}
