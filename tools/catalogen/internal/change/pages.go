package change

import (
	"bytes"
	"fmt"
	"strings"
)

// generated is the first line of every page, so that nobody edits one.
const generated = "<!-- generated from tools/catalogen/internal/change; to mend: go test ./tools/catalogen/internal/change -update -->\n\n"

// Pages are the files of docs/rules by name: a page for each rule, and README.md, which lists them all.
func Pages() map[string][]byte {
	pages := map[string][]byte{"README.md": listPage()}
	for _, r := range Rules() {
		pages[r.ID+".md"] = r.page()
	}
	return pages
}

// page is what people read who met the rule's id in a report.
func (r Rule) page() []byte {
	var b bytes.Buffer
	b.WriteString(generated)
	fmt.Fprintf(&b, "# %s\n\n%s. This asks for %s.\n\n%s\n", r.ID, r.Title, asks[r.Bump], fold(r.Explanation))
	fmt.Fprintf(&b, "\n%s\n\n%s\n\n[All rules](README.md)\n", fold("**What to do:** "+r.Fix), fold(replays[r.Replay]))
	return b.Bytes()
}

var asks = map[Bump]string{
	Patch: "at least the next patch version",
	Minor: "at least the next minor version; below 1.0.0, the next patch version",
	Major: "the next major version; below 1.0.0, the next minor version",
}

var replays = map[Replay]string{
	Refuses: "The new version refuses some configuration that the old one accepted, which replaying such configurations must show.",
	Accepts: "The new version accepts every configuration that the old one did, as far as this change goes, and replaying must agree.",
	Blind:   "Whether the new version refuses a configuration that the old one accepted cannot be told from the rule alone.",
}

func listPage() []byte {
	var b bytes.Buffer
	b.WriteString(generated)
	b.WriteString("# What a version means\n\n" + fold("`catalogen diff` and `catalogen check` compare each connector with what is "+
		"released of it. Every difference of the two metadata documents falls under one of these rules, and the highest of their "+
		"bumps is the lowest step that the version must take. [Versions](../versions.md) tells how to use the commands.") + "\n")
	for _, part := range []struct {
		title string
		rules []Rule
	}{{"Options", optionRules}, {"Everything else", documentRules}} {
		fmt.Fprintf(&b, "\n## %s\n\n| rule | bump | what happened |\n|---|---|---|\n", part.title)
		for _, r := range part.rules {
			fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s |\n", r.ID, r.ID, r.Bump, r.Title)
		}
	}
	return b.Bytes()
}

// width is that of the prose in docs.
const width = 120

// fold breaks a paragraph into lines.
func fold(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch length := len([]rune(word)); {
		case column == 0:
			column = length
		case column+1+length > width:
			b.WriteByte('\n')
			column = length
		default:
			b.WriteByte(' ')
			column += 1 + length
		}
		b.WriteString(word)
	}
	return b.String()
}
