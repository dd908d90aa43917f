// Package change compares two versions of a connector's metadata document and says what the difference asks of the version
// number. Every difference has a rule with a stable id, and no difference goes unnamed: what no rule knows counts as one
// that breaks. Comparing is pure; only Judge knows what is released.
package change

import "github.com/Masterminds/semver/v3"

// A Change is one difference between two versions of a connector.
type Change struct {
	Rule      Rule
	Connector string
	Place     string // what changed, in words that do not move: --interval, record url, command state show, guarantee
	Option    string // the option's name, the new one after a rename; empty if it is not about an option
	Shared    bool   // about an option that every connector has
	Old, New  string // for people; empty where there was or is nothing
	Waiver    string // why its bump is not asked for; empty unless somebody wrote that down
}

// Least is the smallest bump that changes ask for. Waived changes ask for Patch, as every change of a document does.
func Least(changes []Change) Bump {
	least := None
	for _, c := range changes {
		bump := c.Rule.Bump
		if c.Waiver != "" {
			bump = Patch
		}
		least = max(least, bump)
	}
	return least
}

// A Bump is a step from one version to the next, in ascending order.
type Bump int

// The steps. None is that of equal documents.
const (
	None  Bump = iota
	Patch      // nobody has to look
	Minor      // something is new, and what worked still works
	Major      // what worked may not
)

// String returns none, patch, minor or major.
func (b Bump) String() string { return [...]string{"none", "patch", "minor", "major"}[b] }

// MarshalText writes a bump as String does.
func (b Bump) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// Next is the version that a step leads to. Below 1.0.0 a step is one lower: a change that breaks raises the second number.
// None leads nowhere.
func (b Bump) Next(from *semver.Version) *semver.Version {
	if from.Major() == 0 && b > Patch {
		b--
	}
	next := *from
	switch b {
	case Major:
		next = from.IncMajor()
	case Minor:
		next = from.IncMinor()
	case Patch:
		next = from.IncPatch()
	}
	return &next
}
