package blackbox

import (
	"slices"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// A Profile names a set of rules.
type Profile string

// The profiles. Core is for every connector, in whatever language; SDK is core and what package common promises beside.
const (
	Core Profile = "core"
	SDK  Profile = "sdk"
)

// Profiles lists the profiles, each within the next.
var Profiles = []Profile{Core, SDK}

// ProfileOf returns the profile that a connector should keep, by what its metadata says it is made with.
func ProfileOf(doc metadata.Document) Profile {
	if doc.SDKVersion == "" {
		return Core
	}
	return SDK
}

// A Rule is one thing that holds of a connector that conforms.
type Rule struct {
	ID      string // stable, in kebab case: people search for it and tests assert it
	Profile Profile
	Says    string // what holds, in one line
	Fix     string // what to do where it does not hold
	Local   bool   // not every machine can try it, so that it is no evidence: that must be the same everywhere
}

// ruleOf returns the rule of an id.
func ruleOf(id string) Rule {
	i := slices.IndexFunc(Rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		panic("no rule " + id) // the ids are constants of this package
	}
	return Rules[i]
}

// Includes tells whether a profile asks for what another asks for.
func (p Profile) Includes(other Profile) bool {
	return slices.Index(Profiles, p) >= slices.Index(Profiles, other)
}
