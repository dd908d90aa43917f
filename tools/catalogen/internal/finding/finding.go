// Package finding defines what the gate says when a connector may not be published.
package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Finding is one reason for which a connector may not be published. Rule is a stable id that people search for and
// tests assert; the rest is for reading.
type Finding struct {
	Connector string // the connector's name; empty for the catalog as a whole
	Rule      string // such as "direction-matches-folder"
	Where     string // a JSON pointer into the metadata, a flag, a file or a test
	Message   string // what is wrong
	Fix       string // what to do about it
}

// Error writes the finding on one line, so that a stage may return it as an error.
func (f Finding) Error() string {
	var b strings.Builder
	if f.Connector != "" {
		fmt.Fprintf(&b, "%s: ", f.Connector)
	}
	fmt.Fprintf(&b, "[%s]", f.Rule)
	if f.Where != "" {
		fmt.Fprintf(&b, " %s:", f.Where)
	}
	fmt.Fprintf(&b, " %s", f.Message)
	if f.Fix != "" {
		fmt.Fprintf(&b, "; %s", f.Fix)
	}
	return Line(b.String())
}

// Sort orders findings by connector, rule and place, so that two runs print the same.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Connector, b.Connector), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Where, b.Where))
	})
}

// Printable makes text from a stranger's program fit for a terminal: what is Unprintable and bytes that are no UTF-8 are
// shown as escapes.
func Printable(s string) string {
	clean := true
	for _, r := range s {
		if r == '\uFFFD' || Unprintable(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case !Unprintable(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, "\\U%08x", r)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}

// Line is Printable for what must stay on one line, such as a name: line breaks and tabs are shown as escapes too, so that
// nobody can write a line of ours.
func Line(s string) string { return oneLine.Replace(Printable(s)) }

var oneLine = strings.NewReplacer("\n", `\n`, "\t", `\t`)

// Unprintable tells whether a character controls the terminal or the direction of text, or shows nothing at all, so that
// two texts that look the same differ. Newline and tab are not among them.
func Unprintable(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r <= 0x9f: // C0, DEL, C1
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // bidi
		return true
	case r == 0x2028, r == 0x2029, r == 0xfeff:
		return true
	case r == 0x00ad, r >= 0x200b && r <= 0x200d, r >= 0x2060 && r <= 0x2064: // invisible: soft hyphen, zero width, operators
		return true
	case r >= 0xe0000 && r <= 0xe007f: // tags, which spell out text that nobody sees
		return true
	}
	return false
}

var _ error = Finding{}
