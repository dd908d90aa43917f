package hosts

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// document reads one of the metadata documents that this package is tested with.
func document(t *testing.T, name string) metadata.Document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc metadata.Document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// read reads the options of one of them.
func read(t *testing.T, doc metadata.Document) options.Schema {
	t.Helper()
	schema, err := options.Read(doc.Schema)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// golden compares a file with the one in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-update rewrites it):\n%s", path, diff)
	}
}

func TestFiles(t *testing.T) {
	var all []string
	for _, name := range []string{"sample-source", "sample-sink"} {
		doc := document(t, name)
		files, err := Files(doc, read(t, doc))
		if err != nil {
			t.Fatal(err)
		}
		all = slices.AppendSeq(all, maps.Keys(files))
	}
	slices.Sort(all)
	if diff := cmp.Diff([]string{
		"c1/sample-source.json", "connect/.connect/sinks/sample.yml", "connect/.connect/sources/sample.yml",
		"kps/sample-sink/category.yaml", "kps/sample-sink/connectorclass.json", "kps/sample-sink/connectorconfig.json",
		"kps/sample-sink/connectorinstance.json", "kps/sample-sink/connectorstream.json", "kps/sample-sink/pipeline.yaml",
		"kps/sample-source/category.yaml", "kps/sample-source/connectorclass.json", "kps/sample-source/connectorconfig.json",
		"kps/sample-source/connectorinstance.json", "kps/sample-source/connectorstream.json", "kps/sample-source/pipeline.yaml",
	}, all); diff != "" {
		t.Error(diff)
	}
}
