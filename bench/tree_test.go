package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each run follows an edit that no other run has seen, and the two ways take turns.
func TestOneEdited(t *testing.T) {
	tree := t.TempDir()
	folder := filepath.Join(tree, edited)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Makefile":            "catalog:\n\t@echo all $$(wc -l <" + edited + "/main.go) >>log\n",
		edited + "/Makefile":  "test:\n\t@echo own $$(wc -l <main.go) >>../../../log\n",
		edited + "/main.go":   "package main\n",
		edited + "/README.md": "",
	} {
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	catalog := task{argv: [][]string{{"make", "--no-print-directory", "catalog"}}, dir: tree, env: environWithoutMake(), out: filepath.Join(tree, "out")}
	f, err := oneEdited(t.Context(), catalog)
	if err != nil || f.Goal == nil || f.Value < 0 {
		t.Fatalf("figure %v, error %v", f, err)
	}
	log, err := os.ReadFile(filepath.Join(tree, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(strings.Fields(string(log)), " "), "own 3 all 5 own 7 all 9 own 11 all 13"; got != want {
		t.Errorf("runs %q, want %q", got, want)
	}
}
