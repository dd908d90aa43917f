package baseline

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository makes a git repository and returns a function that runs git in it.
func repository(t *testing.T) (string, func(args ...string)) {
	t.Helper()
	root := t.TempDir()
	for key, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_SYSTEM": os.DevNull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com",
		"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_CEILING_DIRECTORIES": filepath.Dir(root),
	} {
		t.Setenv(key, value)
	}
	run := func(args ...string) {
		t.Helper()
		if output, err := exec.Command("git", append([]string{"-C", root}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, output)
		}
	}
	run("init", "--quiet")
	return root, run
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestReadTakesTheNewestTag(t *testing.T) {
	root, git := repository(t)
	write(t, root, "catalog/index.json", `{"connectors": [{"name": "a-source", "version": "0.1.0"}]}`)
	write(t, root, "catalog/connectors/a-source/0.1.0.json", "released")
	git("add", ".")
	git("commit", "--quiet", "-m", "one")

	b, err := Read(t.Context(), root, "")
	if err != nil || b.Ref != "" || b.Note == "" || b.Unknown || len(b.Documents) != 0 {
		t.Errorf("before the first release: %+v, %v", b, err)
	}
	git("tag", "v1")
	write(t, root, "catalog/connectors/a-source/0.1.0.json", "changed since")
	git("commit", "--quiet", "-am", "two")
	b, err = Read(t.Context(), root, "")
	if err != nil || b.Ref != "v1" || string(b.Documents["a-source"]["0.1.0"]) != "released" || len(b.Index.Connectors) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	b, err = Read(t.Context(), root, "HEAD")
	if err != nil || string(b.Documents["a-source"]["0.1.0"]) != "changed since" {
		t.Errorf("a reference by name: %+v, %v", b, err)
	}
}

func TestReadRefusesWhatItCannotReach(t *testing.T) {
	root, git := repository(t)
	git("commit", "--quiet", "--allow-empty", "-m", "one")
	if _, err := Read(t.Context(), root, "v9"); !errors.Is(err, ErrNoHistory) {
		t.Errorf("an unknown tag: %v", err)
	}
	if _, err := Read(t.Context(), root, "--output=x"); err == nil || !strings.Contains(err.Error(), "no git reference") {
		t.Errorf("a flag in a reference's place: %v", err)
	}
	if b, err := Read(t.Context(), root, "HEAD"); err != nil || len(b.Documents) != 0 {
		t.Errorf("a commit without a catalog: %+v, %v", b, err)
	}
}

// What may be released is kept wherever the history does not show that nothing is.
func TestReadKeepsTheTreeWhereTheHistoryDoesNotTell(t *testing.T) {
	origin, git := repository(t)
	write(t, origin, "catalog/connectors/a-source/0.1.0.json", "released")
	git("add", ".")
	git("commit", "--quiet", "-m", "one")
	git("tag", "v1")
	write(t, origin, "catalog/index.json", "<<<<<<< a conflict that generate mends")
	git("add", ".")
	git("commit", "--quiet", "-m", "two")
	git("branch", "two")

	clone := func(options ...string) string {
		into := filepath.Join(t.TempDir(), "clone")
		git(append(append([]string{"clone", "--quiet"}, options...), "file://"+origin, into)...)
		return into
	}
	shallow := clone("--depth=1")
	plain := t.TempDir()
	write(t, plain, "catalog/connectors/a-source/0.1.0.json", "released")
	git("checkout", "--quiet", "--orphan", "elsewhere")
	git("commit", "--quiet", "-m", "a history of its own")

	tests := []struct{ name, root, note string }{
		{"a shallow clone", shallow, "shallow"},
		{"a clone without tags", clone("--no-tags", "--branch=two"), "left the tags out"},
		{"no repository", plain, "no git history that can be read"},
		{"tags that do not lead here", origin, "no tag leads to this commit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := Read(t.Context(), tt.root, "")
			if err != nil || !b.Unknown || b.Ref != "" || !strings.Contains(b.Note, tt.note) {
				t.Errorf("%+v, %v; want a note with %q", b, err, tt.note)
			}
			if string(b.Documents["a-source"]["0.1.0"]) != "released" {
				t.Errorf("the document in the tree is not kept: %v", b.Documents)
			}
		})
	}
	if b, err := Read(t.Context(), clone("--branch=two"), ""); err != nil || b.Ref != "v1" {
		t.Errorf("a whole clone: %+v, %v", b, err)
	}
}

func TestReadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, t.TempDir(), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
