package image

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes a module of one program that needs no package, so that it compiles in no time, and returns its root.
func module(t *testing.T, source string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.26\n", "demo/main.go": source} {
		full := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestGoCompilesTheSameProgramAnywhere(t *testing.T) {
	const source = "package main\n\nfunc main() { println(\"demo\") }\n"
	for _, platform := range Platforms {
		var programs [2][]byte
		for i := range programs {
			t.Setenv("GOFLAGS", []string{"", "-tags=x"}[i])
			out := filepath.Join(t.TempDir(), "demo")
			if err := Go(module(t, source))(t.Context(), "demo", platform, out); err != nil {
				t.Fatal(err)
			}
			var err error
			if programs[i], err = readProgram(out, platform); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(programs[0], programs[1]) {
			t.Errorf("%s: two builds differ", platform)
		}
	}
}

func TestGoTellsWhatTheCompilerSaid(t *testing.T) {
	err := Go(module(t, "package main\n\nfunc main() { nope() }\n"))(t.Context(), "demo", LinuxAMD64, filepath.Join(t.TempDir(), "demo"))
	if err == nil || !strings.Contains(err.Error(), "go build demo for linux/amd64: ") || !strings.Contains(err.Error(), "undefined: nope") {
		t.Errorf("error = %v", err)
	}
}
