package site_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/site"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/site/fixture"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// load gives the named fixtures as a catalog.
func load(t *testing.T, names ...string) site.Catalog {
	t.Helper()
	var c site.Catalog
	for _, name := range names {
		conn, err := fixture.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Connectors = append(c.Connectors, conn)
	}
	return c
}

// gone is a retired connector with documents of some versions.
func gone(name, replacement string, versions ...string) site.Retired {
	r := site.Retired{Retirement: metadata.Retirement{
		Name: name, Date: "2027-01-31", Reason: "Nobody speaks <its> protocol.", Replacement: replacement, Versions: versions,
	}}
	for _, version := range versions {
		r.Documents = append(r.Documents, metadata.Document{
			Name: name, Version: version, Description: "Moves what " + version + " moved.", Schema: json.RawMessage(`{"properties": {}}`),
		})
	}
	return r
}

func render(t *testing.T, c site.Catalog) map[string][]byte {
	t.Helper()
	files, err := fixture.Render(c)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rendered is what everything returns, made once.
var rendered = sync.OnceValues(func() (map[string][]byte, error) {
	c, err := fixture.Catalog()
	if err != nil {
		return nil, err
	}
	hostile, err := fixture.Load("hostile-source")
	if err != nil {
		return nil, err
	}
	c.Connectors = append(c.Connectors, hostile)
	c.Retired = []site.Retired{gone("coap-source", "http-source", "0.2.0", "0.1.0"), gone("gopher-sink", "javascript:alert(1)", "0.1.0")}
	return fixture.Render(c)
})

// everything is the whole preview with the hostile connector. It is one for all tests, which only read it.
func everything(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := rendered()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var contentHash = regexp.MustCompile(`\.[0-9a-f]{12}\.`)

func TestPagesMatchTheirGoldens(t *testing.T) {
	c := load(t, "http-source", "http-sink", "mqtt3-source", "hostile-source")
	c.Retired = []site.Retired{gone("coap-source", "http-source", "0.2.0", "0.1.0"), gone("gopher-sink", "none", "0.1.0")}
	files := render(t, c)
	for _, tt := range []struct{ file, golden string }{
		{"index.html", "index.html"},
		{"404.html", "404.html"},
		{"index.json", "index.json"},
		{"connectors/http-source/index.html", "http-source.html"},
		{"connectors/http-source/0.1.0/index.html", "http-source-0.1.0.html"},
		{"connectors/http-sink/index.html", "http-sink.html"},
		{"connectors/mqtt3-source/index.html", "mqtt3-source.html"},
		{"connectors/hostile-source/index.html", "hostile-source.html"},
		{"connectors/coap-source/index.html", "coap-source.html"},
		{"connectors/gopher-sink/index.html", "gopher-sink.html"},
	} {
		t.Run(tt.golden, func(t *testing.T) {
			got := contentHash.ReplaceAll(files[tt.file], []byte(".HASH."))
			golden := filepath.Join("testdata", tt.golden)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("differs from the golden; go test -update rewrites it (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSiteIsTheSameInWhateverOrderConnectorsCome(t *testing.T) {
	c, err := fixture.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	first := render(t, c)
	slices.Reverse(c.Connectors)
	if diff := cmp.Diff(first, render(t, c)); diff != "" {
		t.Errorf("order of input changes the site:\n%s", diff)
	}
}

func TestSiteHoldsAPageAndDocumentForEveryVersion(t *testing.T) {
	files := everything(t)
	for _, file := range []string{
		"index.html", "404.html", "index.json",
		"connectors/http-source/index.html", "connectors/http-source/schema.json",
		"connectors/http-source/0.3.0.json", "connectors/http-source/0.2.0.json", "connectors/http-source/0.1.0.json",
		"connectors/http-source/0.2.0/index.html", "connectors/http-source/0.1.0/index.html",
		"connectors/coap-source/index.html", "connectors/coap-source/0.2.0.json", "connectors/coap-source/0.1.0.json",
	} {
		if len(files[file]) == 0 {
			t.Errorf("%s is missing", file)
		}
	}
}

func TestDeprecatedConnectorsStandLastInTheList(t *testing.T) {
	c, err := fixture.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range elements(t, "index.html", render(t, c)["index.html"]) {
		if name, ok := e.find("data-name"); ok {
			names = append(names, name)
		}
	}
	last := len(names) - 1
	if last < 1 || names[last] != "mqtt3-source" || !slices.IsSorted(names[:last]) {
		t.Errorf("the list is %v", names)
	}
}

func TestEveryInternalLinkResolves(t *testing.T) {
	files := everything(t)
	ids := map[string]map[string]bool{}
	for _, file := range pages(files) {
		ids[file] = map[string]bool{}
		for _, e := range elements(t, file, files[file]) {
			id := e.attr("id")
			if id != "" && ids[file][id] {
				t.Errorf("%s: id %q is there twice", file, id)
			}
			ids[file][id] = true
		}
	}
	for _, file := range pages(files) {
		for _, e := range elements(t, file, files[file]) {
			for _, name := range []string{"href", "src", "aria-labelledby", "aria-controls", "for"} {
				value, ok := e.find(name)
				if !ok || strings.HasPrefix(value, "https://") {
					continue
				}
				if name != "href" && name != "src" {
					value = "#" + value
				}
				target, fragment, _ := strings.Cut(value, "#")
				if target = path.Join(path.Dir(file), target); value[0] == '#' {
					target = file
				}
				if _, ok := files[target]; !ok {
					t.Errorf("%s: %s=%q leads nowhere", file, name, value)
				} else if fragment != "" && !ids[target][fragment] {
					t.Errorf("%s: %s=%q: no such id", file, name, value)
				}
			}
		}
	}
}

func TestPagesKeepTheContentSecurityPolicy(t *testing.T) {
	files := everything(t)
	for _, file := range pages(files) {
		for _, e := range elements(t, file, files[file]) {
			switch e.name {
			case "script":
				if e.attr("src") == "" || strings.TrimSpace(e.text) != "" {
					t.Errorf("%s: inline script %q", file, e.text)
				}
			case "style", "iframe", "object", "embed", "form", "img":
				t.Errorf("%s: element <%s>", file, e.name)
			}
			for _, a := range e.attrs {
				name := a.Name.Local
				if strings.HasPrefix(name, "on") || name == "style" || name == "srcdoc" {
					t.Errorf("%s: attribute %s=%q on <%s>", file, name, a.Value, e.name)
				}
				if name == "src" || name == "href" && e.name == "link" {
					if strings.Contains(a.Value, ":") || strings.HasPrefix(a.Value, "/") {
						t.Errorf("%s: resource %q is not of the site", file, a.Value)
					}
				}
				if name == "href" && !safeHref(a.Value) {
					t.Errorf("%s: link to %q", file, a.Value)
				}
			}
		}
	}
}

var httpsWithHost = regexp.MustCompile(`^https://[a-z0-9.-]+(/|$)`)

func safeHref(href string) bool {
	return httpsWithHost.MatchString(href) || !strings.Contains(href, ":") && !strings.HasPrefix(href, "/")
}

func TestPagesHoldNoControlCharacters(t *testing.T) {
	for file, data := range everything(t) {
		if path.Ext(file) != ".html" {
			continue
		}
		for _, r := range string(data) {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%s holds %U", file, r)
			}
		}
	}
}

func TestSecretsOfExamplesAndDefaultsAreNotShown(t *testing.T) {
	for file, data := range everything(t) {
		if path.Ext(file) == ".html" && strings.Contains(string(data), "must-never-be-shown") {
			t.Errorf("%s shows a secret's value", file)
		}
	}
}

func TestPagesSayThatTheyAreGenerated(t *testing.T) {
	const top = "<!doctype html>\n<!-- Code generated by catalogen. DO NOT EDIT. -->\n"
	files := everything(t)
	for _, file := range pages(files) {
		if !strings.HasPrefix(string(files[file]), top) {
			t.Errorf("%s begins with %.80q", file, files[file])
		}
	}
}

func TestBasePathIsFor404Only(t *testing.T) {
	c := load(t, "http-sink")
	c.BasePath = "/patchbay/"
	files := render(t, c)
	for _, file := range pages(files) {
		has := strings.Contains(string(files[file]), `<base href="/patchbay/">`)
		if has != (file == "404.html") {
			t.Errorf("%s: base element is there: %t", file, has)
		}
	}
}

func TestRenderRefusesWhatDoesNotFit(t *testing.T) {
	tests := []struct {
		name   string
		change func(*site.Catalog)
		want   string
	}{
		{"a name that leaves the folder", func(c *site.Catalog) {
			c.Connectors[0].Entry.Name, c.Connectors[0].Document.Name = "../etc", "../etc"
		}, `"../etc"`},
		{"an entry of another document", func(c *site.Catalog) { c.Connectors[0].Entry.Version = "9.9.9" }, "disagree"},
		{"a version that is none", func(c *site.Catalog) {
			c.Connectors[0].Entry.Version, c.Connectors[0].Document.Version = "1/2", "1/2"
		}, "no semantic version"},
		{"an old version of another connector", func(c *site.Catalog) { c.Connectors[0].Versions[1].Name = "x" }, "does not belong"},
		{"a connector that is there twice", func(c *site.Catalog) {
			c.Connectors = append(c.Connectors, c.Connectors[0])
		}, "listed twice"},
		{"a retired connector that is there", func(c *site.Catalog) {
			c.Retired = []site.Retired{gone("http-source", "none", "0.1.0")}
		}, "retired and still there"},
		{"a retired name that leaves the folder", func(c *site.Catalog) {
			c.Retired = []site.Retired{gone("../etc", "none", "0.1.0")}
		}, `"../etc"`},
		{"a retired version that is none", func(c *site.Catalog) {
			c.Retired = []site.Retired{gone("old-source", "none", "1/2")}
		}, "no semantic version"},
		{"a schema that cannot be read", func(c *site.Catalog) {
			c.Connectors[0].Document.Schema = []byte(`{"properties": []}`)
		}, "properties"},
		{"an example with an unknown option", func(c *site.Catalog) {
			c.Connectors[0].Document.Examples[0].Options = []byte(`{"nope": 1}`)
		}, `"nope"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, "http-source")
			tt.change(&c)
			_, err := fixture.Render(c)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestAnEmptyCatalogHasAPage(t *testing.T) {
	files := render(t, site.Catalog{})
	if !strings.Contains(string(files["index.html"]), "The catalog is empty.") {
		t.Error("the list page does not say that it is empty")
	}
	if got := string(files["index.json"]); !strings.Contains(got, `"connectors": []`) {
		t.Errorf("index.json is %s", got)
	}
}

func pages(files map[string][]byte) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(f string) bool { return path.Ext(f) != ".html" })
}
