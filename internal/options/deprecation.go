package options

import (
	"fmt"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// NoReplacement is what the replacement tag says where nothing takes the place of a deprecated option.
const NoReplacement = "none"

// readDeprecation reads the deprecated, replacement and note tags. None of them is no deprecation, some are a mistake.
func readDeprecation(get func(tag string) string) (*metadata.Deprecation, error) {
	d := metadata.Deprecation{Date: get("deprecated"), Replacement: get("replacement"), Note: get("note")}
	if d == (metadata.Deprecation{}) {
		return nil, nil
	}
	if _, err := time.Parse(time.DateOnly, d.Date); err != nil {
		return nil, fmt.Errorf(`deprecated:%q is no day; write the first on which the option may be gone, such as "2027-06-30"`, d.Date)
	}
	if d.Replacement == "" || d.Note == "" {
		return nil, fmt.Errorf("deprecated needs a replacement tag (another option, or %s) and a note tag (how to migrate)", NoReplacement)
	}
	if strings.ContainsAny(d.Note, "\n\t") {
		return nil, fmt.Errorf("note is more than one line")
	}
	return &d, nil
}

// checkDeprecations refuses what sends the user of a deprecated option nowhere.
func (m *Model) checkDeprecations() error {
	for _, o := range m.Options {
		d := o.Deprecation
		if d == nil {
			continue
		}
		if o.Required {
			return fmt.Errorf("option %s: it is required, so nobody can do without it; a deprecated option is optional", o.Name)
		}
		if d.Replacement == NoReplacement {
			continue
		}
		if other := m.Option(d.Replacement); other == nil || other.Deprecation != nil {
			return fmt.Errorf("option %s: replacement:%q is no option that stays; name one, or %s", o.Name, d.Replacement, NoReplacement)
		}
	}
	return nil
}

// Notices tells of each option that is given and deprecated, in the order of the struct: where, until when it is kept and what
// to do; and of each that is given by a former name, but for flags, of which Line tells. No value is quoted.
func (m *Model) Notices(settings Settings) []string {
	var notices []string
	for _, o := range m.Options {
		s, ok := settings[o.Name]
		if !ok || s.Origin.Kind == FromDefault {
			continue
		}
		if s.Origin.Former != "" {
			notices = append(notices, o.renamed(s.Origin))
		}
		if o.Deprecation != nil {
			p := Problem{Option: o.Name, Origin: s.Origin, Message: deprecatedWords(o.Deprecation), Fix: o.Deprecation.Note}
			notices = append(notices, p.Error())
		}
	}
	return notices
}

// renamed tells that the option was given by a former name.
func (o *Option) renamed(at Origin) string {
	switch at.Kind {
	case FromEnv:
		return fmt.Sprintf("%s is now %s", at.Name, o.Env)
	case FromFile:
		return fmt.Sprintf("%s: %s is now %s", at.place(), at.Former, o.Name)
	}
	return fmt.Sprintf("%s is now %s", at.Former, o.Name)
}

// deprecatedWords says of an option until when it is kept and what to use in its place.
func deprecatedWords(d *metadata.Deprecation) string {
	words := "deprecated, may be gone from " + d.Date
	if d.Replacement != NoReplacement {
		words += ", use --" + d.Replacement
	}
	return words
}
