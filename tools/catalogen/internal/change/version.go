package change

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// A Verdict is what the changes of one connector say of its version.
type Verdict struct {
	Connector string
	Released  string // the version that the changes are counted from; empty if none is released
	Version   string // what the connector says
	Want      string // the lowest version that is right; Version itself where that is right
	Changes   []Change
	Finding   *finding.Finding // what is wrong with Version; nil if it is right
}

// The rules that a version keeps, which generate and check hold it against.
const (
	immutableRule = "released-version-immutable" // what is released is not edited
	risesRule     = "version-rises"              // nothing goes back
	bumpRule      = "version-bump"               // the step is as large as the changes ask for
	exactRule     = "version-exact"              // the step is one step
)

// Judge holds a connector's version against what is released of it, which is keyed by version. The document is compared
// with the newest release that is no pre-release, for a pre-release promises nothing; waive is told the changes and may
// give some a Waiver, or is nil. The error is about a document that cannot be read.
func Judge(connector, version string, text []byte, released map[string][]byte, waive func([]Change)) (Verdict, error) {
	v := Verdict{Connector: connector, Version: version, Want: version}
	says, err := semver.StrictNewVersion(version)
	if err != nil {
		return v, nil // the rules told that already
	}
	history := versions(released)
	if len(history) == 0 {
		return v, nil
	}
	newest := history[len(history)-1]
	base := newest
	for _, r := range history {
		if r.Prerelease() == "" {
			base = r
		}
	}
	v.Released = base.String()
	if v.Changes, err = Compare(released[v.Released], text); err != nil {
		return v, fmt.Errorf("compare with %s: %w", v.Released, err)
	}
	for i := range v.Changes {
		v.Changes[i].Connector = connector
	}
	if waive != nil {
		waive(v.Changes)
	}
	right := successors(base, newest, Least(v.Changes))
	switch same := bytes.Equal(released[version], text); {
	case says.LessThan(newest):
		v.wrong(risesRule, right[0], fmt.Sprintf("version %s is lower than the released %s", version, newest))
	case says.Equal(newest) && same:
	case says.Equal(newest):
		v.wrong(immutableRule, right[0], fmt.Sprintf("version %s is released and its metadata has changed since", version))
	case core(says).LessThan(right[0]):
		v.wrong(bumpRule, right[0], fmt.Sprintf("version %s is too low a step from %s", version, v.Released))
	case !slices.ContainsFunc(right, core(says).Equal):
		v.wrong(exactRule, right[0], fmt.Sprintf("version %s leaves a gap after %s", version, v.Released))
	}
	return v, nil
}

// wrong records what is wrong with the version, and the version to set.
func (v *Verdict) wrong(id string, want *semver.Version, message string) {
	v.Want = want.String()
	for _, c := range v.Changes {
		if c.Rule.Bump == Least(v.Changes) && c.Waiver == "" {
			message += fmt.Sprintf("; %s (%s) is a %s change", c.Rule.ID, c.Place, c.Rule.Bump)
			break
		}
	}
	v.Finding = &finding.Finding{
		Connector: v.Connector, Rule: id, Where: "/version", Message: message, Fix: "set version " + v.Want,
	}
}

// versions lists released versions in ascending order. A file of another name is none.
func versions(released map[string][]byte) []*semver.Version {
	var list []*semver.Version
	for text := range released {
		if v, err := semver.StrictNewVersion(text); err == nil {
			list = append(list, v)
		}
	}
	slices.SortFunc(list, (*semver.Version).Compare)
	return list
}

// core is a version without what makes it a pre-release.
func core(v *semver.Version) *semver.Version {
	return semver.New(v.Major(), v.Minor(), v.Patch(), "", "")
}

// successors are the versions that may follow a release, in ascending order: of the three that are one step away those that
// are high enough for the changes and not behind a pre-release. There is always one.
func successors(base, newest *semver.Version, least Bump) []*semver.Version {
	if base.Prerelease() != "" {
		return []*semver.Version{core(base)} // nothing but pre-releases is there
	}
	lowest := max(least, Patch).Next(base)
	var list []*semver.Version
	for _, next := range []semver.Version{base.IncPatch(), base.IncMinor(), base.IncMajor()} {
		if !next.LessThan(lowest) && next.GreaterThan(newest) {
			list = append(list, &next)
		}
	}
	if list == nil { // a pre-release further away than one step
		return []*semver.Version{core(newest)}
	}
	return list
}

// AboutVersion tells whether a finding is one that Judge makes.
func AboutVersion(f finding.Finding) bool {
	return slices.Contains([]string{immutableRule, risesRule, bumpRule, exactRule}, f.Rule)
}
