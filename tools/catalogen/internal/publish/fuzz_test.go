package publish

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/baseline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// FuzzAssemble publishes whatever text passes the rules, in an option's description, an enum, a group and a README, and looks
// for a file of the catalog that cannot be made, or in which the text is more than text.
func FuzzAssemble(f *testing.F) {
	for _, seed := range []string{
		"plain", "<script>alert(1)</script>", "</title></code></script>", `[x](javascript:alert(1)) ![y](https://e.example/p.png)`, "a|b\\|c\\\\|d",
		"```` ` ``", "{{.}} ${x} $(x) `x`", "<!-- options:end -->", "# a\n\n- b\n", "\u00ad\u2028\u202e", "'\"\\ \n\t", "&lt;b&gt;", "--x", "%s%d", "<a href='//evil'>", "](x",
	} {
		f.Add(seed)
	}
	scripts := map[string]int{}
	f.Fuzz(func(t *testing.T, text string) {
		if len(scripts) == 0 {
			for file, page := range assembled(t, "plain", "plain") {
				scripts[file] = bytes.Count(page, []byte("<script"))
			}
		}
		for file, page := range assembled(t, text, text) {
			if !utf8.Valid(page) && path.Ext(file) != ".woff2" || bytes.ContainsFunc(page, finding.Unprintable) && path.Ext(file) != ".woff2" {
				t.Errorf("%s holds what is not for showing", file)
			}
			switch path.Ext(file) {
			case ".json":
				if !json.Valid(page) {
					t.Errorf("%s is no JSON", file)
				}
			case ".html":
				if n := bytes.Count(page, []byte("<script")); n != scripts[file] {
					t.Errorf("%s has %d scripts, not %d", file, n, scripts[file])
				}
			case ".md":
				for line := range strings.Lines(string(page)) {
					if strings.HasPrefix(line, "| `--") && columns(line) != 5 {
						t.Errorf("%s: a row of %d cells: %s", file, columns(line), line)
					}
				}
			}
		}
	})
}

// columns counts the cells of a row as readers of Markdown tables do: a backslash takes the next character along.
func columns(row string) int {
	bars := 0
	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '|':
			bars++
		}
	}
	return bars - 1
}

// assembled returns the files of a catalog of one connector, or none where the rules refuse the text.
func assembled(t *testing.T, text, prose string) map[string][]byte {
	t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	document := fake.Metadata("a-source")
	document = strings.Replace(document, `"How often."`, string(quoted), 1)
	document = strings.Replace(document, `["fast", "slow"]`, `["fast", "slow", `+string(quoted)+`]`, 1)
	document = strings.Replace(document, `"examples": [`, `"record": {"title": `+string(quoted)+`}, "semantic_checks": [`+string(quoted)+`], "examples": [`, 1)
	folder := discover.Folder{Name: "a-source", Path: "connectors/sources/a-source", Direction: metadata.Source}
	s := rules.Subject{Folder: folder}
	if s.Document, s.Published, err = probe.Decode([]byte(document)); err != nil {
		return nil
	}
	s, findings := rules.Check(s)
	if len(findings) > 0 {
		return nil
	}
	block := "\n" + readme.Begin(readme.Options) + "\n" + readme.End(readme.Options) + "\n"
	var all collector
	_, findings, err = Assemble(Catalog{
		Connectors: []Connector{{
			Folder: folder, Document: s.Document, Text: s.Published, Readme: []byte(prose + "\n" + block), Inputs: "sha256:" + strings.Repeat("0", 64),
			Evidence: metadata.Evidence{
				Digest: "sha256:" + strings.Repeat("0", 64),
				Tests:  []metadata.TestResult{{Suite: "s", Name: "works", Status: metadata.Passed}},
			},
		}},
		Baseline: baseline.Baseline{Unknown: true},
	}, all.put)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range findings {
		if bad.Rule != "readme-block" { // prose may break the markers, of which it is told
			t.Error(bad)
		}
	}
	all.put("options.md", OptionTable(s.Options))
	return all.files
}
