package cmd

import (
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/image"
)

func TestBundleIsBuiltAndPublished(t *testing.T) {
	root := imageRepository(t)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	out, _, err := runImages(t, "image", "--root", root, "--with", "demo-source,patchbay,demo-source", "my-prices:1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(out))
	if len(lines) != 3 || !strings.HasPrefix(lines[2], "my-prices:1.0.0@sha256:") ||
		!strings.HasSuffix(lines[2], "  "+filepath.Join(root, "dist/images/my-prices")+"\n") {
		t.Fatalf("image printed %q", out)
	}
	hosts := filepath.Join(root, "dist/images/my-prices/hosts")
	if runtime := readFile(t, filepath.Join(hosts, "connect/.connect/runtime.yml")); !strings.Contains(runtime, "image: docker:my-prices:1.0.0\n") {
		t.Errorf("the runtime is\n%s", runtime)
	}
	for _, file := range []string{"connect/.connect/sources/demo.yml", "kps/my-prices/connectorclass.json"} {
		if _, err := os.Stat(filepath.Join(hosts, file)); err != nil {
			t.Error(err)
		}
	}

	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	reference, _, _ := strings.Cut(lines[2], "  ")
	for _, name := range []string{"my-prices", "my-prices:1.0.0"} {
		if published, _, err := runImages(t, "publish", "--root", root, host, name); err != nil || published != host+"/"+reference+"\n" {
			t.Errorf("publish %s: %q, %v", name, published, err)
		}
	}
	// With a connector it is one more; without any name it is none.
	if published, _, err := runImages(t, "publish", "--root", root, host, "my-prices", "demo-source"); err != nil || strings.Count(published, "\n") != 2 {
		t.Errorf("publish of both: %q, %v", published, err)
	}
	if published, _, err := runImages(t, "publish", "--root", root, host); err != nil || strings.Contains(published, "my-prices") {
		t.Errorf("publish of all: %q, %v", published, err)
	}
}

func TestBundleOfAllHasTheVersionOfTheTool(t *testing.T) {
	root := imageRepository(t)
	all, errs, err := runImages(t, "image", "--root", root, "--with", "all", "patchbay-connect")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(errs, "own-sink has no image and no released program: ") {
		t.Errorf("stderr = %q", errs)
	}
	if !strings.Contains(all, "\npatchbay-connect:0.3.0@sha256:") {
		t.Errorf("image printed %q", all)
	}
	programs, err := image.Programs(filepath.Join(root, "dist/images/patchbay-connect"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]image.Program{{Name: "patchbay", Version: "0.3.0"}, {Name: "demo-source", Version: "1.2.3"}}, programs); diff != "" {
		t.Error(diff)
	}
}

func TestBundlesThatCannotBe(t *testing.T) {
	root, risen := imageRepository(t), imageRepository(t)
	if _, _, err := runImages(t, "image", "--root", risen, "--with", "demo-source", "my-prices"); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(risen, "catalog/index.json")
	writeFiles(t, risen, map[string]string{"catalog/index.json": strings.Replace(readFile(t, index), "1.2.3", "1.3.0", 1)})
	for _, tt := range []struct {
		name  string
		args  []string
		want  string
		usage bool
	}{
		{"no name", []string{"image", "--root", root, "--with", "demo-source"}, "--with makes one image: give its name", true},
		{"two names", []string{"image", "--root", root, "--with", "demo-source", "a", "b"}, "--with makes one image", true},
		{"a path for a name", []string{"image", "--root", root, "--with", "demo-source", "../a"}, "is no name for an image", true},
		{"a tag that is no version", []string{"image", "--root", root, "--with", "demo-source", "a:latest"}, `a: "latest" is no version`, true},
		{"the name of a connector", []string{"image", "--root", root, "--with", "demo-source", "demo-source"}, "demo-source has an image of its own", true},
		{"the tool's name", []string{"image", "--root", root, "--with", "demo-source", "patchbay"}, "patchbay has an image of its own", true},
		{"a connector that is not there", []string{"image", "--root", root, "--with", "nope-sink", "a"}, `the catalog has no connector "nope-sink"`, false},
		{"a connector with its own build rule", []string{"image", "--root", root, "--with", "own-sink", "a"}, "own-sink has no image and no released program: ", false},
		{"publishing one that was not built", []string{"publish", "--root", root, "127.0.0.1:1", "a"}, `the catalog has no connector "a"`, false},
		{"publishing another version", []string{"publish", "--root", root, "127.0.0.1:1", "a:2.0.0"}, `the catalog has no connector "a:2.0.0"`, false},
		{
			"publishing one of a former catalog",
			[]string{"publish", "--root", risen, "127.0.0.1:1", "my-prices"},
			"my-prices holds demo-source 1.2.3, and the catalog 1.3.0; to mend: catalogen image --with demo-source my-prices", false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _, err := runImages(t, tt.args...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, errUsage) != tt.usage || out != "" {
				t.Errorf("error = %v, want %q; stdout %q", err, tt.want, out)
			}
		})
	}
}

// The commands by which the pages about platforms make and push an image do so, with a connector that is there.
func TestTheImagesOfTheDocuments(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	there := strings.NewReplacer("http-source,nats-sink", "demo-source", "http-source", "demo-source",
		"registry.example", strings.TrimPrefix(server.URL, "http://"))
	root := imageRepository(t)
	for _, page := range []string{"connect.md", "kps.md"} {
		ran := 0
		for line := range strings.Lines(readFile(t, filepath.Join("../../../../docs", page))) {
			command, ok := strings.CutPrefix(line, "bin/catalogen ")
			if !ok {
				continue
			}
			words := strings.Fields(there.Replace(command))
			if out, _, err := runImages(t, append(words[:1:1], append([]string{"--root", root}, words[1:]...)...)...); err != nil {
				t.Errorf("%s: %s: %s%v", page, line, out, err)
			}
			ran++
		}
		if ran != 2 {
			t.Errorf("%s has %d commands", page, ran)
		}
	}
}
