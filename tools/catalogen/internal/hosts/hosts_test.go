package hosts

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
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

func TestFilesAreTheSameInWhateverOrder(t *testing.T) {
	docs := []metadata.Document{document(t, "sample-source"), document(t, "sample-sink")}
	one, err := Files(docs)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(docs)
	other, err := Files(docs)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, other); diff != "" {
		t.Error(diff)
	}
	for _, path := range []string{"runtime.yml", "sources/sample.yml", "sinks/sample.yml"} {
		if _, ok := one["connect/.connect/"+path]; !ok {
			t.Errorf("%s is missing in %v", path, slices.Sorted(maps.Keys(one)))
		}
	}
}

func TestTwoConnectorsCannotHaveOneFile(t *testing.T) {
	docs := []metadata.Document{document(t, "sample-source"), document(t, "sample-source")}
	if _, err := Files(docs); err == nil || !strings.Contains(err.Error(), "another connector has the file") {
		t.Errorf("Files returned %v", err)
	}
}

func TestNoConnectorsNeedNoFiles(t *testing.T) {
	if files, err := Files(nil); err != nil || len(files) != 0 {
		t.Errorf("Files returned %v, %v", files, err)
	}
}
