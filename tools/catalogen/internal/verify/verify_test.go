package verify

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/baseline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
)

// made is the catalog of a-source, which has an earlier version, and b-sink; c-source is retired and has left its document.
func made(t *testing.T) map[string][]byte {
	t.Helper()
	c := publish.Catalog{
		Today: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
		Baseline: baseline.Baseline{Ref: "v1", Documents: map[string]map[string][]byte{
			"a-source": {"0.0.9": bytes.Replace(document(t, "a-source"), []byte(`"0.1.0"`), []byte(`"0.0.9"`), 1)},
			"c-source": {"0.1.0": document(t, "c-source")},
		}},
		Retired: publish.Retired{Connectors: []publish.Retirement{{Name: "c-source", Date: "2026-01-02", Reason: "x", Replacement: "none"}}},
	}
	for _, name := range []string{"a-source", "b-sink"} {
		doc, text, err := probe.Decode(document(t, name))
		if err != nil {
			t.Fatal(err)
		}
		c.Connectors = append(c.Connectors, publish.Connector{
			Folder:   discover.Folder{Name: name, Path: "connectors/" + string(doc.Direction) + "s/" + name},
			Document: doc, Text: text, Inputs: evidence.Digest(nil),
			Readme: []byte(readme.Begin(readme.Options) + "\n" + readme.End(readme.Options) + "\n"),
			Evidence: evidence.Publish([]evidence.Test{
				{TestResult: metadata.TestResult{Suite: "s", Name: "one", Status: metadata.Passed}},
				{TestResult: metadata.TestResult{Suite: "s", Name: "two", Status: metadata.Passed}},
			}),
		})
	}
	var mu sync.Mutex
	files := map[string][]byte{}
	_, findings, err := publish.Assemble(c, func(path string, text []byte) {
		mu.Lock()
		defer mu.Unlock()
		files[path] = text
	})
	if err != nil || len(findings) > 0 {
		t.Fatal(findings, err)
	}
	files["retired.json"] = []byte(`{"connectors": [{"name": "c-source", "date": "2026-01-02", "reason": "x", "replacement": "none"}]}`)
	return files
}

func document(t *testing.T, name string) []byte {
	t.Helper()
	text, err := probe.Normalise([]byte(fake.Metadata(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// write puts the files of a catalog into a new folder.
func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "catalog")
	draft := publish.NewDraft(dir, true)
	defer draft.Close()
	for path, text := range files {
		draft.Put(path, text)
	}
	if _, err := draft.Publish(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// swap returns what replaces text in one file of a catalog.
func swap(file, old, fresh string) func(*testing.T, map[string][]byte) {
	return func(t *testing.T, files map[string][]byte) {
		t.Helper()
		if !bytes.Contains(files[file], []byte(old)) {
			t.Fatalf("%s does not hold %q", file, old)
		}
		files[file] = bytes.ReplaceAll(files[file], []byte(old), []byte(fresh))
	}
}

// reindex returns what changes the first entry of a catalog's index, a-source.
func reindex(change func(*metadata.Entry)) func(*testing.T, map[string][]byte) {
	return func(t *testing.T, files map[string][]byte) {
		t.Helper()
		var index metadata.Index
		if err := json.Unmarshal(files[IndexFile], &index); err != nil {
			t.Fatal(err)
		}
		change(&index.Connectors[0])
		text, err := pretty.JSON(index)
		if err != nil {
			t.Fatal(err)
		}
		files[IndexFile] = text
	}
}

func TestRead(t *testing.T) {
	files := made(t)
	const (
		doc = "connectors/a-source/0.1.0.json"
		old = "connectors/a-source/0.0.9.json"
	)
	remove := func(path string) func(*testing.T, map[string][]byte) {
		return func(_ *testing.T, files map[string][]byte) { delete(files, path) }
	}
	add := func(path, text string) func(*testing.T, map[string][]byte) {
		return func(_ *testing.T, files map[string][]byte) { files[path] = []byte(text) }
	}
	tests := []struct {
		name   string
		tamper func(*testing.T, map[string][]byte)
		want   []string // the findings' rules and places
	}{
		{"nothing", func(*testing.T, map[string][]byte) {}, nil},
		{"the site is none of it", remove("site/index.html"), nil},
		{"the index is cut off", add(IndexFile, `{"connectors": [`), []string{"index-json index.json"}},
		{"the index has a key twice", swap(IndexFile, `"name": "a-source",`, `"name": "a-source", "Name": "x",`), []string{"index-json index.json"}},
		{"the index breaks its schema", swap(IndexFile, `"direction": "sink"`, `"direction": "sank"`), []string{"index-schema index.json/connectors/1/direction"}},
		{"the index names a path elsewhere", swap(IndexFile, `"name": "a-source"`, `"name": "../../x-source"`), []string{"index-schema index.json/connectors/0/name"}},
		{"the index is laid out otherwise", swap(IndexFile, "\n  ", "\n"), []string{"index-form index.json"}},
		{"a document is changed", swap(doc, "Moves records", "Moves no records"), []string{"entry-document " + doc, "metadata-digest " + doc}},
		{"a document and its digest are changed", func(t *testing.T, files map[string][]byte) {
			t.Helper()
			swap(doc, `"How often."`, `"How seldom."`)(t, files)
			reindex(func(e *metadata.Entry) { e.Metadata = evidence.Digest(files[doc]) })(t, files)
		}, []string{"schema-derived schemas/a-source.config.json", "schema-derived schemas/a-source.json"}},
		{"a document breaks its schema", func(t *testing.T, files map[string][]byte) {
			t.Helper()
			swap(doc, `"metadata_version": "1"`, `"metadata_version": "2"`)(t, files)
			reindex(func(e *metadata.Entry) { e.Metadata = evidence.Digest(files[doc]) })(t, files)
		}, []string{"metadata-schema " + doc + "/metadata_version"}},
		{"a schema costs too much", func(t *testing.T, files map[string][]byte) {
			t.Helper()
			swap(doc, "^https?://", strings.Repeat("x", 5000))(t, files)
			reindex(func(e *metadata.Entry) { e.Metadata = evidence.Digest(files[doc]) })(t, files)
		}, []string{"schema-compiles " + doc + "/schema"}},
		{"a document is another's", swap(old, `"0.0.9"`, `"0.1.0"`), []string{"document-name " + old}},
		{"a document is no JSON", add(doc, "{"), []string{"metadata-json " + doc}},
		{"a document is gone", remove(doc), []string{"equal-sets " + doc}},
		{"an earlier document is gone", remove(old), []string{"equal-sets " + old}},
		{"a document that the index does not know", add("connectors/a-source/9.9.9.json", "{}"), []string{"equal-sets connectors/a-source/9.9.9.json"}},
		{"a connector that the index does not know", add("connectors/d-sink/0.1.0.json", "{}"), []string{"equal-sets connectors/d-sink/0.1.0.json"}},
		{"a retired connector that the index does not know", func(t *testing.T, files map[string][]byte) {
			t.Helper()
			var index metadata.Index
			if err := json.Unmarshal(files[IndexFile], &index); err != nil {
				t.Fatal(err)
			}
			index.Retired = nil
			text, err := pretty.JSON(index)
			if err != nil {
				t.Fatal(err)
			}
			files[IndexFile] = text
		}, []string{"equal-sets connectors/c-source/0.1.0.json"}},
		{"the document of a retired connector is gone", remove("connectors/c-source/0.1.0.json"), []string{"equal-sets connectors/c-source/0.1.0.json"}},
		{"the document of a retired connector is another's", swap("connectors/c-source/0.1.0.json", "c-source", "d-source"), []string{"document-name connectors/c-source/0.1.0.json"}},
		{"a schema is changed", swap("schemas/a-source.json", "Where to read.", "Anywhere."), []string{"schema-derived schemas/a-source.json"}},
		{"a schema is gone", remove("schemas/b-sink.config.json"), []string{"equal-sets schemas/b-sink.config.json"}},
		{"a schema of nobody", add("schemas/x.json", "{}"), []string{"equal-sets schemas/x.json"}},
		{"the schema of metadata is another", swap("schemas/metadata.json", "urn:", "uri:"), []string{"schema-derived schemas/metadata.json"}},
		{"a test is taken away", reindex(func(e *metadata.Entry) { e.Evidence.Tests = e.Evidence.Tests[:1] }), []string{"evidence-digest index.json"}},
		{"a test is renamed", reindex(func(e *metadata.Entry) { e.Evidence.Tests[0].Name = "on" }), []string{"evidence-digest index.json"}},
		{"tests are in disorder", reindex(func(e *metadata.Entry) { slices.Reverse(e.Evidence.Tests) }), []string{"evidence-order index.json"}},
		{"a version is not there", reindex(func(e *metadata.Entry) { e.Versions = []string{"0.2.0", "0.1.0", "0.0.9"} }), []string{"equal-sets connectors/a-source/0.2.0.json"}},
		{"a version is forgotten", reindex(func(e *metadata.Entry) { e.Versions = []string{"0.1.0"} }), []string{"equal-sets " + old}},
		{"versions are in disorder", reindex(func(e *metadata.Entry) { slices.Reverse(e.Versions) }), []string{"entry-versions index.json"}},
		{"its version is none of them", reindex(func(e *metadata.Entry) { e.Version = "0.3.0" }), []string{"entry-versions index.json"}},
		{"an older version stands for it", reindex(func(e *metadata.Entry) { e.Version = "0.0.9" }), []string{"metadata-digest " + old, "schema-derived schemas/a-source.config.json"}},
		{"the path is another's", reindex(func(e *metadata.Entry) { e.Path = "connectors/sinks/b-sink" }), []string{"entry-path index.json"}},
		{"the description is another", reindex(func(e *metadata.Entry) { e.Description = "x" }), []string{"entry-document " + doc}},
		{"a connector is there twice", reindex(func(e *metadata.Entry) { e.Name, e.Path = "b-sink", "connectors/sinks/b-sink" }), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tampered := map[string][]byte{}
			for path, text := range files {
				tampered[path] = text
			}
			tt.tamper(t, tampered)
			_, findings, err := Read(write(t, tampered))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, f.Rule+" "+f.Where)
			}
			if tt.name == "a connector is there twice" {
				if !slices.Contains(got, "index-once index.json") {
					t.Errorf("got %q", got)
				}
				return
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if _, _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no catalog in") {
		t.Errorf("an empty folder: %v", err)
	}
}

// A signature covers every file of the catalog that is committed.
func TestStatementCoversEveryFile(t *testing.T) {
	files := made(t)
	whole, err := Statement(write(t, files))
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range files {
		if strings.HasPrefix(path, "site/") || strings.HasPrefix(path, "hosts/") {
			continue
		}
		files[path] = append(slices.Clone(text), ' ')
		changed, err := Statement(write(t, files))
		if err != nil {
			t.Fatal(err)
		}
		if changed == whole {
			t.Errorf("%s may change", path)
		}
		files[path] = text
	}
}

func TestParseSums(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	tests := []struct{ name, text, want string }{
		{"lines of sha256sum", sum + "  a b\n" + sum + " *c\r\n\n", ""},
		{"nothing", "", ""},
		{"a short sum", sum[1:] + "  a\n", "is not what sha256sum writes"},
		{"no sum", "a  b\n", "is not what sha256sum writes"},
		{"no name", sum + "  \n", "is not what sha256sum writes"},
		{"a name twice", sum + "  a\n" + sum + "  a\n", "names a twice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sums, err := ParseSums([]byte(tt.text))
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseSums([]byte(sums.String()))
			if err != nil || len(again) != len(sums) {
				t.Errorf("%v is read as %v, %v", sums, again, err)
			}
		})
	}
}

// Sums that name a program under which nothing was published are told, and the program is named by what was.
func TestSumsCheck(t *testing.T) {
	dir := write(t, made(t))
	c, _, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "renamed")
	if err := os.WriteFile(program, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	index, x := strings.TrimPrefix(evidence.Digest(c.IndexText), "sha256:"), strings.TrimPrefix(evidence.Digest([]byte("x")), "sha256:")
	for _, tt := range []struct {
		name  string
		sums  Sums
		names []string
		rules string
	}{
		{"all is published", Sums{IndexFile: index, "a-source-linux-amd64": x}, []string{"a-source-linux-amd64"}, ""},
		{"another index", Sums{IndexFile: x, "a": x}, []string{"a"}, "sums-index"},
		{"no index", Sums{"a": x}, []string{"a"}, "sums-index"},
		{"another program", Sums{IndexFile: index, "renamed": index}, nil, "sums-program"},
	} {
		names, findings, err := tt.sums.Check(c, []string{program})
		if err != nil {
			t.Fatal(err)
		}
		rules := ""
		for _, f := range findings {
			rules += f.Rule
		}
		if !slices.Equal(names, tt.names) || rules != tt.rules {
			t.Errorf("%s: names %q, findings %v", tt.name, names, findings)
		}
	}
}
