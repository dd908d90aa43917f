package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
)

// writeFiles writes files below root, by their path with slashes.
func writeFiles(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for path, text := range files {
		full := filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStatuses(t *testing.T) {
	root, empty, blocked := t.TempDir(), t.TempDir(), t.TempDir()
	writeFiles(t, blocked, map[string]string{"connectors": "a file"})
	writeFiles(t, root, map[string]string{
		"catalog/index.json":                     `{"connectors": [{"name": "a-source", "version": "0.1.0", "versions": ["0.1.0"]}]}`,
		"catalog/connectors/a-source/0.1.0.json": fake.Metadata("a-source"),
		"connectors/sources/a-source/Makefile":   "",
		"good.yaml":                              "type: a-source\ntopic: demo\nparameters: {endpoint: 'http://127.0.0.1:1/'}\n",
		"wrong.yaml":                             "type: a-source\ntopic: demo\nparameters: {endpoint: 5}\n",
		"broken.yaml":                            "type: [\n",
	})
	file := func(name string) string { return filepath.Join(root, name) }
	tests := []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"a config file that is right", []string{"validate", "--root", root, file("good.yaml")}, 0, "valid for a-source 0.1.0"},
		{"a config file that is wrong", []string{"validate", "--root", root, file("wrong.yaml")}, 2, "wrong.yaml:3: endpoint"},
		{"a config file that is no YAML", []string{"validate", "--root", root, file("broken.yaml")}, 2, "broken.yaml"},
		{"a config file that is not there", []string{"validate", "--root", root, file("none.yaml")}, 2, "no such file"},
		{"a folder in a config file's place", []string{"validate", "--root", root, root}, 2, "is a directory"},
		{"no catalog to hold a config file against", []string{"validate", "--root", empty, file("good.yaml")}, 1, "make catalog"},
		{"a new connector of a wrong name", []string{"new", "--root", empty, "source", "x"}, 2, "lower-case words"},
		{"a new connector of a name that is taken", []string{"new", "--root", root, "source", "a-source"}, 2, "is there already"},
		{"a new connector that cannot be written", []string{"new", "--root", blocked, "source", "a-source"}, 1, "not a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			status := Run(t.Context(), tt.args, &out, &out)
			if status != tt.status || !strings.Contains(out.String(), tt.says) || strings.Count(out.String(), "\n") != 1 {
				t.Errorf("status %d, want %d and a line with %q:\n%s", status, tt.status, tt.says, out.String())
			}
		})
	}
}
