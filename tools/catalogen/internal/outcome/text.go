package outcome

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// text writes the changes, each shared one once, and then the versions to set. Findings about anything else and stale files
// are told by the commands themselves, beside their tables.
func (o Outcome) text(w io.Writer) error {
	var b bytes.Buffer
	switch {
	case o.Note != "":
		fmt.Fprintf(&b, "\n%s\n", o.Note)
	case len(o.Connectors) == 0: // the findings tell why
	case !slices.ContainsFunc(o.Connectors, func(c Connector) bool { return len(c.Changes) > 0 }):
		fmt.Fprintf(&b, "\nNo metadata changed since %s.\n", o.Against)
	default:
		fmt.Fprintf(&b, "\nChanges since %s; docs/rules/ explains each rule:\n", o.Against)
		o.changes(&b)
	}
	if wrong := o.wrong(); len(wrong) > 0 {
		set(&b, wrong)
	}
	_, err := w.Write(trailing.ReplaceAll(b.Bytes(), nil))
	return err
}

// trailing are the blanks that a table leaves after a cell that is empty.
var trailing = regexp.MustCompile(`(?m) +$`)

// changes writes the changes by connector, after those of shared flags.
func (o Outcome) changes(b *bytes.Buffer) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	defer table.Flush() //nolint:errcheck // it writes into memory
	told := map[string]bool{}
	for _, s := range o.shared() {
		if heading := s.heading(len(o.Connectors)); !told[heading] {
			told[heading] = true
			fmt.Fprintf(table, "\n%s\n", heading)
		}
		row(table, s.change)
	}
	for _, c := range o.Connectors {
		own := slices.DeleteFunc(slices.Clone(c.Changes), func(c change.Change) bool { return c.Shared })
		if len(own) == 0 {
			continue
		}
		slices.SortStableFunc(own, worstFirst)
		fmt.Fprintf(table, "\n%s since %s\n", finding.Printable(c.Connector), c.Released)
		for _, one := range own {
			row(table, one)
		}
	}
}

func worstFirst(a, b change.Change) int { return cmp.Compare(b.Rule.Bump, a.Rule.Bump) }

func row(table io.Writer, c change.Change) {
	bump := c.Rule.Bump.String()
	if c.Waiver != "" {
		bump = "waived"
	}
	fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", bump, c.Rule.ID, clip(c.Place), step(c, clip))
}

// A shared change is one of a shared flag, with the connectors that have it.
type shared struct {
	change     change.Change
	connectors []string
}

func (s shared) heading(all int) string {
	if len(s.connectors) == all && all > 1 {
		return fmt.Sprintf("every connector (%d), by a shared flag", all)
	}
	return strings.Join(s.connectors, ", ") + ", by a shared flag"
}

// shared gathers the changes of shared flags, equal ones as one, those of the same connectors next to each other.
func (o Outcome) shared() []shared {
	var list []shared
	for _, c := range o.Connectors {
		for _, one := range c.Changes {
			if !one.Shared {
				continue
			}
			one.Connector = ""
			i := slices.IndexFunc(list, func(s shared) bool { return s.change == one })
			if i < 0 {
				list, i = append(list, shared{change: one}), len(list)
			}
			list[i].connectors = append(list[i].connectors, finding.Printable(c.Connector))
		}
	}
	slices.SortStableFunc(list, func(a, b shared) int {
		return cmp.Or(slices.Compare(a.connectors, b.connectors), worstFirst(a.change, b.change))
	})
	return list
}

// set writes the versions to set.
func set(b *bytes.Buffer, wrong []Connector) {
	fmt.Fprint(b, "\nVersions to set; catalogen check --fix sets those in Go source:\n")
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, c := range wrong {
		where := strings.Join(c.Places, ", ")
		if c.ByHand {
			where = "by hand: " + where
			if len(c.Places) == 0 {
				where = "by hand, where " + c.Folder.Path + " says its version"
			}
		}
		fmt.Fprintf(table, "  %s\t%s -> %s\t%s\t[%s]\n",
			finding.Printable(c.Connector), finding.Printable(c.Version), c.Want, finding.Printable(where), c.Finding.Rule)
	}
	table.Flush() //nolint:errcheck // it writes into memory
	for _, c := range wrong {
		if strings.HasPrefix(c.Released, "0.") {
			fmt.Fprint(b, "Below 1.0.0 a step is one lower: a major change raises the second number, all others the third.\n")
			break
		}
	}
}

// step writes what changed, as far as the rule and the place do not say it, and why it is waived. Values are written by show.
func step(c change.Change, show func(string) string) string {
	said := func(text string) bool { return "--"+text == c.Place || strings.HasSuffix(c.Place, " "+text) }
	var text string
	switch {
	case c.Old == "" && said(c.New), c.New == "" && said(c.Old):
	case c.Old == "":
		text = "+ " + show(c.New)
	case c.New == "":
		text = "- " + show(c.Old)
	default:
		text = show(c.Old) + " -> " + show(c.New)
	}
	if c.Waiver != "" {
		text = strings.TrimSpace(text + " (waived: " + c.Waiver + ")")
	}
	return text
}

// maxShown is how many characters of a value the text shows, so that a change fits on a line or two.
const maxShown = 40

func clip(text string) string {
	text = finding.Printable(strings.Join(strings.Fields(text), " "))
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown-1]) + "…"
	}
	return text
}
