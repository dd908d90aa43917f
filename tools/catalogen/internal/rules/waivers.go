package rules

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/strictjson"
)

// WaiverFile is the file in a connector's folder that says which findings are let pass, why and until when:
//
//	{"option-pattern-changed": {"endpoint": {"reason": "It accepts more.", "expires": "2027-03-31"}}}
const WaiverFile = "waivers.json"

// The rules that may be waived beside those of changes: the ones that can be wrong of what people mean.
const (
	secretRule = "secret-marked"
	replayRule = "replay"
)

// Waivers are the contents of a waiver file. They remember which of them were needed, so they are for one run and one
// goroutine. The zero Waivers, which waive nothing, may be used by many.
type Waivers struct {
	list  []*waiver
	today string
}

// A waiver lets one rule pass in one place.
type waiver struct {
	rule, place string // the place is an option's name, else what a change calls it, such as guarantee
	Reason      string `json:"reason"`
	Expires     string `json:"expires"` // YYYY-MM-DD, the first day on which it counts no more
	used        bool
}

// maxWaivers is how many bytes a waiver file may hold.
const maxWaivers = 64 << 10

// ReadWaivers reads a connector's waiver file, of which what has expired on the day of today counts no more. There need not
// be one.
func ReadWaivers(dir string, today time.Time) (Waivers, error) {
	text, err := rooted.Read(dir, WaiverFile, maxWaivers)
	if errors.Is(err, fs.ErrNotExist) {
		return Waivers{}, nil
	}
	if err != nil {
		return Waivers{}, err
	}
	return parseWaivers(text, today)
}

func parseWaivers(text []byte, today time.Time) (Waivers, error) {
	w := Waivers{today: today.Format(time.DateOnly)}
	if err := strictjson.Check(text); err != nil {
		return w, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var file map[string]map[string]*waiver
	err := d.Decode(&file)
	if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
		return w, fmt.Errorf("holds a %s where it cannot", kind.Value)
	}
	if err != nil {
		return w, err
	}
	for _, rule := range slices.Sorted(maps.Keys(file)) {
		if !waivable(rule) {
			return w, fmt.Errorf("no rule %q can be waived", rule)
		}
		for _, place := range slices.Sorted(maps.Keys(file[rule])) {
			entry := file[rule][place]
			if entry == nil {
				return w, fmt.Errorf("%s of %q says nothing", rule, place)
			}
			if strings.TrimSpace(entry.Reason) == "" {
				return w, fmt.Errorf("%s of %q has no reason", rule, place)
			}
			if _, err := time.Parse(time.DateOnly, entry.Expires); err != nil {
				return w, fmt.Errorf("%s of %q expires on %q, which is no day; write it like 2027-01-31", rule, place, entry.Expires)
			}
			entry.rule, entry.place = rule, place
			w.list = append(w.list, entry)
		}
	}
	return w, nil
}

func waivable(rule string) bool {
	return rule == secretRule || rule == replayRule || rule == Announced || isChange(rule)
}

// isChange tells whether a rule is one of changes that ask for more than the least.
func isChange(rule string) bool {
	return slices.ContainsFunc(change.Rules(), func(r change.Rule) bool { return r.ID == rule && r.Bump > change.Patch })
}

// reason says why a rule is waived in a place, and notes that it was asked. Empty means that it is not.
func (w Waivers) reason(rule, place string) string {
	for _, entry := range w.list {
		if entry.rule == rule && entry.place == place {
			entry.used = true
			if !w.expired(entry) {
				return entry.Reason
			}
		}
	}
	return ""
}

func (w Waivers) expired(entry *waiver) bool { return entry.Expires <= w.today }

// Changes gives each change that is waived its reason.
func (w Waivers) Changes(changes []change.Change) {
	for i, c := range changes {
		changes[i].Waiver = w.reason(c.Rule.ID, cmp.Or(c.Option, c.Place))
	}
}

// Replay tells whether a contradiction about an option is let pass.
func (w Waivers) Replay(option string) bool { return w.reason(replayRule, option) != "" }

// Check returns what is wrong with the waivers once they have been asked: those that have expired and those that waive
// nothing, so that the file tells the truth. Those about changes count as needed where nothing was compared.
func (w Waivers) Check(compared bool) []finding.Finding {
	var findings []finding.Finding
	for _, entry := range w.list {
		bad := finding.Finding{Where: WaiverFile, Rule: "waiver-used", Fix: "remove the line, or mend the name in it"}
		switch {
		case w.expired(entry):
			bad.Rule, bad.Fix = "waiver-expired", "mend what it waives, and remove the line; or say anew why, and until when"
			bad.Message = fmt.Sprintf("waives %s of %q until %s, which is past", entry.rule, entry.place, entry.Expires)
		case !entry.used && (compared || entry.rule == secretRule):
			bad.Message = fmt.Sprintf("waives %s of %q, which needs no waiver", entry.rule, entry.place)
		default:
			continue
		}
		findings = append(findings, bad)
	}
	return findings
}
