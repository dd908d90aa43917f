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

// text writes the changes, each once, and then the versions to set. Findings about anything else and stale files
// are told by the commands themselves, beside their tables.
func (o Outcome) text(w io.Writer) error {
	var b bytes.Buffer
	changed := slices.ContainsFunc(o.Connectors, func(c Connector) bool { return len(c.Changes) > 0 })
	switch {
	case o.Note != "":
		fmt.Fprintf(&b, "\n%s\n", o.Note)
	case len(o.Connectors) == 0: // the findings tell why
	case !changed && o.uncompared(): // of those nothing is known
	case !changed:
		fmt.Fprintf(&b, "\nNo metadata changed since %s.\n", o.Against)
	default:
		fmt.Fprintf(&b, "\nChanges since %s; docs/rules/ explains each rule:\n", o.Against)
		o.changes(&b)
	}
	switch wrong := o.wrong(); {
	case len(wrong) > 0:
		set(&b, wrong)
	case changed:
		fmt.Fprint(&b, "\nThe versions are right.\n")
	}
	_, err := w.Write(trailing.ReplaceAll(b.Bytes(), nil))
	return err
}

// trailing are the blanks that a table leaves after a cell that is empty.
var trailing = regexp.MustCompile(`(?m) +$`)

// changes writes the changes by connector, after those that several have in common.
func (o Outcome) changes(b *bytes.Buffer) {
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	defer table.Flush() //nolint:errcheck // it writes into memory
	last := ""
	for _, g := range o.groups() {
		if heading := o.heading(g); heading != last {
			fmt.Fprintf(table, "\n%s\n", heading)
			last = heading
		}
		row(table, g.change)
	}
}

func (o Outcome) heading(g group) string {
	switch {
	case len(g.connectors) == 1:
		return fmt.Sprintf("%s since %s", finding.Printable(g.connectors[0].Connector), g.connectors[0].Released)
	case len(g.connectors) == len(o.Connectors):
		return fmt.Sprintf("every connector (%d)", len(g.connectors))
	}
	return g.names()
}

// A group is one change and the connectors that have it: a change of a shared flag is one of many.
type group struct {
	change     change.Change // without its connector
	connectors []Connector
}

func (g group) names() string {
	names := make([]string, len(g.connectors))
	for i, c := range g.connectors {
		names[i] = finding.Printable(c.Connector)
	}
	return strings.Join(names, ", ")
}

// groups gathers equal changes: first those that many connectors have, and among the same connectors first what is worst.
func (o Outcome) groups() []group {
	var groups []group
	for _, c := range o.Connectors {
		for _, one := range c.Changes {
			one.Connector = ""
			i := slices.IndexFunc(groups, func(g group) bool { return g.change == one })
			if i < 0 {
				groups, i = append(groups, group{change: one}), len(groups)
			}
			groups[i].connectors = append(groups[i].connectors, c)
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int {
		return cmp.Or(
			cmp.Compare(len(b.connectors), len(a.connectors)),
			cmp.Compare(a.names(), b.names()),
			cmp.Compare(b.change.Rule.Bump, a.change.Rule.Bump),
		)
	})
	return groups
}

func row(table io.Writer, c change.Change) {
	bump := c.Rule.Bump.String()
	if c.Waiver != "" {
		bump = "waived"
	}
	fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", bump, c.Rule.ID, clip(c.Place), step(c, clip))
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
		text = strings.TrimSpace(text + " (waived: " + oneLine(c.Waiver) + ")")
	}
	return text
}

// maxShown is how many characters of a value the text shows, so that a change fits on a line or two.
const maxShown = 40

func clip(text string) string {
	text = oneLine(text)
	if runes := []rune(text); len(runes) > maxShown {
		return string(runes[:maxShown-1]) + "…"
	}
	return text
}

// oneLine puts text on one line, so that nobody can write a line of ours.
func oneLine(text string) string { return finding.Printable(strings.Join(strings.Fields(text), " ")) }
