package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
)

func TestOwnEnvironment(t *testing.T) {
	tests := []struct {
		name, file, code string
		want             string // places, joined by spaces
	}{
		{"a variable", "main.go", `var x = os.Getenv("X")`, "p/main.go:3"},
		{"variables in a function", "more.go", "func f() {\n\tos.LookupEnv(`X`)\n\tos.Environ()\n\tos.ExpandEnv(`$X`)\n}", "p/more.go:4 p/more.go:5 p/more.go:6"},
		{"a test", "main_test.go", `var x = os.Getenv("X")`, ""},
		{"another package", "main.go", `var x = env.Getenv("X")`, ""},
		{"a text", "main.go", "var x = `os.Getenv`", ""},
		{"what does not compile", "main.go", "func {", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, tt.file), []byte("package main\n\n"+tt.code+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			found, err := OwnEnvironment(discover.Folder{Name: "a-source", Path: "p", Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			var places []string
			for _, f := range found {
				places = append(places, f.Where)
			}
			if got := strings.Join(places, " "); got != tt.want {
				t.Errorf("found at %q, want %q", got, tt.want)
			}
		})
	}
}
