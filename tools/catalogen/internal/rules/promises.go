package rules

import (
	"fmt"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// Announced is the rule that is broken by what is gone sooner than its users were told.
const Announced = "removal-announced"

// Promises holds a connector against what a released document of it promised: what it said to be kept until a day is kept
// until that day, and a stable connector removes no option that it did not deprecate. The subject has been checked. The
// error is about the released document.
func Promises(s Subject, released metadata.Document, today time.Time) ([]finding.Finding, error) {
	before, err := options.Read(released.Schema)
	if err != nil {
		return nil, err
	}
	day := today.Format(time.DateOnly)
	var findings []finding.Finding
	add := func(where, message, fix string) {
		findings = append(findings, finding.Finding{
			Connector: s.Folder.Name, Rule: Announced, Where: where, Message: message, Fix: fix,
		})
	}
	for _, was := range before.Options {
		if now, there := s.Options.Named(was.Name); there {
			if until, earlier := advanced(was.Deprecation, now.Deprecation, day); earlier && s.Waivers.reason(Announced, was.Name) == "" {
				add(property(was.Name), until, "leave the day as it was announced")
			}
			continue
		}
		message := ""
		switch {
		case was.Deprecation != nil && day < was.Deprecation.Date:
			message = fmt.Sprintf("is gone, and %s promised it until %s", released.Version, was.Deprecation.Date)
		case was.Deprecation == nil && released.Stability == metadata.Stable:
			message = fmt.Sprintf("is gone, and %s, which is stable, did not say that it would go", released.Version)
		}
		if message != "" && s.Waivers.reason(Announced, was.Name) == "" {
			add(property(was.Name), message, "bring it back, deprecated until a day that leaves its users time")
		}
	}
	if until, earlier := advanced(released.Deprecation, s.Document.Deprecation, day); earlier {
		add("/deprecation/date", until, "leave the day as it was announced")
	}
	return findings, nil
}

// advanced tells whether a day that is still to come was announced and an earlier one took its place.
func advanced(was, is *metadata.Deprecation, day string) (message string, earlier bool) {
	if was == nil || is == nil || day >= was.Date || is.Date >= was.Date {
		return "", false
	}
	return fmt.Sprintf("was promised until %s, and is now until %s", was.Date, is.Date), true
}
