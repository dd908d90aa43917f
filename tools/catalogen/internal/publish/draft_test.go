package publish

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes a folder hold some files.
func write(t *testing.T, dir string, files map[string][]byte) ([]Change, error) {
	t.Helper()
	d := NewDraft(dir, true)
	defer d.Close()
	for path, text := range files {
		d.Put(path, text)
	}
	return d.Publish()
}

func TestPublish(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "catalog")
	want := map[string][]byte{"index.json": []byte("1"), "connectors/a/1.json": []byte("2"), "site/index.html": []byte("3")}
	changes, err := write(t, dir, want)
	if err != nil || len(changes) != 3 {
		t.Fatalf("changes %v, error %v", changes, err)
	}
	for _, path := range []string{"retired.json", "hosts/x", "other/x", "connectors/b/1.json"} {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(filepath.Join(dir, "connectors/a/1.json"))
	if err != nil {
		t.Fatal(err)
	}
	want["index.json"] = []byte("4")
	delete(want, "site/index.html")
	changes, err = write(t, dir, want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Change{
		{"connectors/b/1.json", "left over"}, {"hosts/x", "left over"}, {"index.json", "differs"}, {"site/index.html", "left over"},
	}, changes); diff != "" {
		t.Error(diff)
	}
	for path, there := range map[string]bool{
		"retired.json": true, "hosts/x": false, "other/x": true, "connectors/b": false, "site/index.html": false,
	} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(path))); (err == nil) != there {
			t.Errorf("%s: %v, want it there: %v", path, err, there)
		}
	}
	after, err := os.Stat(filepath.Join(dir, "connectors/a/1.json"))
	if err != nil || !after.ModTime().Equal(before.ModTime()) || !os.SameFile(before, after) {
		t.Errorf("a file that was right is written again: %v", err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("something is left beside the catalog: %v, %v", entries, err)
	}
	if changes, err := write(t, dir, want); err != nil || len(changes) != 0 {
		t.Errorf("a third time: %v, %v", changes, err)
	}
}

// What cannot be staged leaves the old catalog whole.
func TestPublishLeavesTheOldCatalogWhenStagingFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "catalog")
	if _, err := write(t, dir, map[string][]byte{"index.json": []byte("old")}); err != nil {
		t.Fatal(err)
	}
	_, err := write(t, dir, map[string][]byte{"index.json": []byte("new"), "connectors/a": nil, "connectors/a/b": nil})
	if err == nil {
		t.Fatal("a file that is a folder too was written")
	}
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil || string(text) != "old" {
		t.Errorf("the index holds %q, %v", text, err)
	}
}

// What was put is neither in the folder nor beside it unless it is published, and the folders above are not made either.
func TestADraftThatIsNotPublishedLeavesNothing(t *testing.T) {
	root := t.TempDir()
	d := NewDraft(filepath.Join(root, "new", "catalog"), true)
	d.Put("index.json", []byte("1"))
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("beside the folder are %v, %v", entries, err)
	}
	d.Close()
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestADraftThatIsNotToBePublishedOnlyCompares(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "catalog")
	if _, err := write(t, dir, map[string][]byte{"index.json": []byte("1"), "schemas/a.json": []byte("2"), "schemas/b.json": []byte("3")}); err != nil {
		t.Fatal(err)
	}
	d := NewDraft(dir, false)
	defer d.Close()
	for path, text := range map[string]string{"index.json": "4", "schemas/b.json": "3", "connectors/a/1.json": "5", "site/index.html": "6", "hosts/x": "7"} {
		d.Put(path, []byte(text))
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("beside the folder are %v, %v", entries, err)
	}
	changes, err := d.Changes()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Change{{"connectors/a/1.json", "missing"}, {"index.json", "differs"}, {"schemas/a.json", "left over"}}, changes); diff != "" {
		t.Error(diff)
	}
}

// Wherever it is interrupted, every file that the index names is there.
func TestPublishingOrder(t *testing.T) {
	got := publishingOrder([]Change{
		{"connectors/a/1.json", "left over"},
		{"connectors/b/1.json", "missing"},
		{"index.json", "differs"},
		{"schemas/b.json", "differs"},
		{"site/a.html", "left over"},
	})
	want := []Change{
		{"connectors/b/1.json", "missing"},
		{"schemas/b.json", "differs"},
		{"index.json", "differs"},
		{"connectors/a/1.json", "left over"},
		{"site/a.html", "left over"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A connector may have left a link where a temporary file would be written.
func TestWriteReadmesFollowsNoLink(t *testing.T) {
	base := t.TempDir()
	root, elsewhere := filepath.Join(base, "repo"), filepath.Join(base, "elsewhere")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{elsewhere: "mine", root + "/README.md": "old"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(elsewhere, root+"/README.md.new"); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteReadmes(root, map[string][]byte{"README.md": []byte("new")}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{elsewhere: "mine", root + "/README.md": "new"} {
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s holds %q, %v", path, text, err)
		}
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 2 {
		t.Errorf("left %v, %v", entries, err)
	}
}
