package image

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
)

const document = `{"name": "demo-source", "direction": "source", "version": "1.2.3", "description": "Reads demos.", "schema": {}, "license": "MIT"}`

// printer is a program that prints a text; it needs package syscall only, so that it compiles in no time.
func printer(text string) string {
	return "package main\n\nimport \"syscall\"\n\nfunc main() { syscall.Write(1, []byte(`" + text + "`)) }\n"
}

func TestTargetTakesItsLabelsFromTheProgram(t *testing.T) {
	proven, err := probe.Normalise([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, output string
		document     []byte
		want         map[string]string
	}{
		{
			"a connector's metadata", document, proven,
			map[string]string{"version": "1.2.3", "title": "demo", "description": "Reads demos.", "licenses": "MIT"},
		},
		{
			"the tool's version", "patchbay 0.3.0\n", nil,
			map[string]string{"version": "0.3.0", "title": "demo", "description": toolDescription, "licenses": "Apache-2.0"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := Target{Name: "demo", Package: "demo", Document: tt.document}
			dir := filepath.Join(t.TempDir(), "demo")
			version, digest, err := target.Build(t.Context(), Go(module(t, printer(tt.output))), dir)
			if err != nil {
				t.Fatal(err)
			}
			if version != tt.want["version"] || !strings.HasPrefix(string(digest), "sha256:") {
				t.Errorf("Build = %q, %q", version, digest)
			}
			platforms, all := images(t, dir)
			if len(platforms) != len(Platforms) {
				t.Errorf("platforms = %v", platforms)
			}
			config, err := all[0].ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range tt.want {
				if got := config.Config.Labels["org.opencontainers.image."+key]; got != want {
					t.Errorf("label %s = %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestTargetRefuses(t *testing.T) {
	tests := []struct {
		name, output string
		document     []byte
		want         string
	}{
		{
			"a program that the catalog has not proved", document, []byte("{}\n"),
			"demo: the program's metadata is not what the catalog holds",
		},
		{"a program without metadata", "hello", []byte("{}\n"), "demo: "},
		{"a tool without a version", "patchbay dev\n", nil, `--version: "dev" is no semantic version`},
		{"a tool that says nothing", "", nil, "--version: status 0 and 0 words"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target := Target{Name: "demo", Package: "demo", Document: tt.document}
			_, _, err := target.Build(t.Context(), Go(module(t, printer(tt.output))), filepath.Join(t.TempDir(), "demo"))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}
