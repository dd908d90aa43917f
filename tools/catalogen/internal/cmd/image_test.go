package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/image"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
)

const imageDocument = `{
  "name": "demo-source",
  "direction": "source",
  "version": "1.2.3",
  "description": "Reads demos.",
  "schema": {},
  "license": "MIT"
}
`

// imageRepository writes a repository of a connector, a connector with a build rule of its own, and patchbay.
func imageRepository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	program := func(text string) string { // package syscall alone compiles in no time
		return "package main\n\nimport \"syscall\"\n\nfunc main() { syscall.Write(1, []byte(`" + text + "`)) }\n"
	}
	writeFiles(t, root, map[string]string{
		"go.mod":                                    "module example.com/m\n\ngo 1.26\n",
		"connectors/sources/demo-source/main.go":    program(imageDocument),
		"connectors/sources/demo-source/Makefile":   "test:\n\ttrue\n",
		"connectors/sinks/own-sink/Makefile":        "build:\n\ttrue\ntest:\n\ttrue\n",
		"tools/patchbay/main.go":                    program("patchbay 0.3.0\n"),
		"catalog/connectors/demo-source/1.2.3.json": imageDocument,
		"catalog/connectors/own-sink/0.1.0.json":    `{"name": "own-sink"}`,
	})
	proveImages(t, root)
	return root
}

// proveImages writes an index that holds the inputs of demo-source as they are now.
func proveImages(t *testing.T, root string) {
	t.Helper()
	folders, _, err := discover.Folders(root)
	if err != nil {
		t.Fatal(err)
	}
	folders = slices.DeleteFunc(folders, func(f discover.Folder) bool { return f.Name != "demo-source" })
	made, _, err := pipeline.Digests(t.Context(), root, folders)
	if err != nil {
		t.Fatal(err)
	}
	index := fmt.Sprintf(`{"connectors": [
		{"name": "demo-source", "version": "1.2.3", "path": "connectors/sources/demo-source", "input_digest": %q},
		{"name": "own-sink", "version": "0.1.0", "path": "connectors/sinks/own-sink"}]}`, made["demo-source"])
	writeFiles(t, root, map[string]string{"catalog/index.json": index})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// runImages runs a command line of image or publish.
func runImages(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var c struct {
		Image   imageCmd   `cmd:""`
		Publish publishCmd `cmd:""`
	}
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	parsed.BindTo(t.Context(), (*context.Context)(nil))
	var out, errs bytes.Buffer
	err = parsed.Run(streams{&out, &errs})
	return out.String(), errs.String(), err
}

func TestImagesAreBuiltAndPublished(t *testing.T) {
	root := imageRepository(t)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	out, errs, err := runImages(t, "image", "--root", root)
	if err != nil {
		t.Fatal(err)
	}
	if want := "own-sink has no image and no released program: "; !strings.HasPrefix(errs, want) {
		t.Errorf("stderr = %q, want %q", errs, want)
	}
	var lines, want []string
	for line := range strings.Lines(out) {
		name, _, _ := strings.Cut(line, "@sha256:")
		_, dir, _ := strings.Cut(line, "  ")
		lines = append(lines, name+" "+dir)
	}
	for _, built := range []string{"demo-source:1.2.3", "patchbay:0.3.0"} {
		name, _, _ := strings.Cut(built, ":")
		want = append(want, fmt.Sprintf("%s %s\n", built, filepath.Join(root, "dist", "images", name)))
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}

	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	published, _, err := runImages(t, "publish", "--root", root, host+"/p")
	if err != nil {
		t.Fatal(err)
	}
	var pushed []string
	for line := range strings.Lines(out) {
		reference, _, _ := strings.Cut(line, "  ")
		pushed = append(pushed, host+"/p/"+reference+"\n")
	}
	if diff := cmp.Diff(strings.Join(pushed, ""), published); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if published, _, err = runImages(t, "publish", "--root", root, host+"/p", "patchbay"); err != nil || published != pushed[1] {
		t.Errorf("publish of one: %q, %v", published, err)
	}

	// The program changes and its version does not: the tag stays, and the others are published all the same.
	source := filepath.Join(root, "connectors/sources/demo-source/main.go")
	writeFiles(t, root, map[string]string{"connectors/sources/demo-source/main.go": readFile(t, source) + "\nvar X = 1\n\nfunc init() { X++ }\n"})
	proveImages(t, root)
	if _, _, err := runImages(t, "image", "--root", root, "demo-source"); err != nil {
		t.Fatal(err)
	}
	published, _, err = runImages(t, "publish", "--root", root, host+"/p")
	if !errors.Is(err, image.ErrTaken) || published != pushed[1] {
		t.Errorf("publish of a changed program: %q, %v", published, err)
	}
}

func TestImagesThatCannotBe(t *testing.T) {
	root, changed, risen := imageRepository(t), imageRepository(t), imageRepository(t)
	const source, index = "connectors/sources/demo-source/main.go", "catalog/index.json"
	writeFiles(t, changed, map[string]string{
		source: readFile(t, filepath.Join(changed, source)) + "\n// It prints the same, and nobody has tested it.\n",
	})
	if _, _, err := runImages(t, "image", "--root", risen, "demo-source"); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, risen, map[string]string{
		index: strings.Replace(readFile(t, filepath.Join(risen, index)), "1.2.3", "1.3.0", 1),
	})
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a connector that is not in the catalog", []string{"image", "--root", root, "nope-sink"}, `the catalog has no connector "nope-sink"`},
		{"a connector with its own build rule", []string{"image", "--root", root, "own-sink"}, "own-sink has no image and no released program: "},
		{"no catalog", []string{"image", "--root", t.TempDir()}, "there is no catalog at"},
		{"an image that was not built", []string{"publish", "--root", root, "127.0.0.1:1"}, "there is no image of demo-source in"},
		{"a name that is not in the catalog", []string{"publish", "--root", root, "127.0.0.1:1", "../x"}, `the catalog has no connector "../x"`},
		{"a connector that has changed since", []string{"image", "--root", changed, "demo-source"}, "has changed since the catalog proved it; to mend"},
		{"an image of another version than the catalog's", []string{"publish", "--root", risen, "127.0.0.1:1", "demo-source"}, "to mend: make image"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, _, err := runImages(t, tt.args...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || out != "" {
				t.Errorf("error = %v, want %q; stdout %q", err, tt.want, out)
			}
		})
	}
}
