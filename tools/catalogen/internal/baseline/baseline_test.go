package baseline

import (
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
	if err != nil || b.Ref != "" || b.Note == "" {
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
