package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// TestHostile puts culprits beside ten connectors that are well-behaved: those come out as if they had been alone, and each
// culprit is named with one rule and with what to do. Idlers come apart from the others: only there are the deadlines short,
// which a loaded machine might make anybody miss.
func TestHostile(t *testing.T) {
	const sources = "connectors/sources/"
	base := t.TempDir()
	root, temp := filepath.Join(base, "repo"), filepath.Join(base, "tmp")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(temp, 0o755))
	var good []string
	for i := range 10 {
		good = append(good, fmt.Sprintf("good-%d-source", i))
		must(fake.Folder{Path: sources + good[i], Metadata: slim(good[i])}.Write(root))
	}
	must(os.WriteFile(filepath.Join(base, "secret"), []byte("secret-of-the-machine\n"), 0o600))
	env := append(os.Environ(), "HOME="+base+"/home", "XDG_CACHE_HOME="+base+"/cache", "TMPDIR="+temp,
		"CANARY=canary-of-the-parent", "AWS_SECRET_ACCESS_KEY=canary-of-the-parent", "GORACE=atexit_sleep_ms=0",
		"PATH="+fakeProgram(t)+string(filepath.ListSeparator)+os.Getenv("PATH"))

	var published []map[string]string
	for _, round := range []struct {
		name     string
		culprits []culprit
		limits   []string
	}{
		{"culprits", culprits, []string{"--limit-answer", "2m", "--limit-work", "2m"}},
		{"idlers", idlers, []string{"--limit-answer", "3s", "--limit-work", "5s"}},
		{"alone", nil, nil},
	} {
		t.Run(round.name, func(t *testing.T) {
			for _, c := range round.culprits {
				must(c.write(root, sources+c.name))
			}
			before := tree(t, root)
			out := filepath.Join(base, round.name)
			said, status := generate(t, env, append([]string{"--root", root, "--out", out}, round.limits...))
			if want := min(1, len(round.culprits)); status != want {
				t.Errorf("status %d, want %d", status, want)
			}
			blame(t, said, round.culprits)
			if want := fmt.Sprintf("\n%d passed, %d failed\n", len(good), len(round.culprits)); !strings.Contains(said, want) {
				t.Errorf("it does not say %s", want)
			}
			harmless(t, "what is said", said)
			published = append(published, tree(t, out))
			for path, text := range published[0] {
				harmless(t, path, text)
			}
			if diff := cmp.Diff(good, names(t, published[0])); diff != "" {
				t.Error(diff)
			}
			unchanged(t, before, tree(t, root))
			if left := tree(t, temp); len(left) > 0 {
				t.Errorf("left behind: %q", slices.Sorted(maps.Keys(left)))
			}
			if left := running(t, base); len(left) > 0 {
				t.Errorf("still running: %q", left)
			}
			for _, c := range round.culprits {
				must(os.RemoveAll(filepath.Join(root, sources, c.name)))
			}
			if t.Failed() {
				t.Log(said)
			}
		})
	}
	for i := range published {
		if diff := cmp.Diff(published[0], published[i]); diff != "" {
			t.Errorf("the company changes what is published:\n%s", diff)
		}
	}
}

// names lists the connectors of a catalog's index.
func names(t *testing.T, files map[string]string) (names []string) {
	t.Helper()
	var index metadata.Index
	if err := json.Unmarshal([]byte(files["index.json"]), &index); err != nil {
		t.Fatal(err)
	}
	for _, entry := range index.Connectors {
		names = append(names, entry.Name)
	}
	return names
}

// unchanged compares a repository before and after, but for programs and what a culprit writes into its own folder.
func unchanged(t *testing.T, before, after map[string]string) {
	t.Helper()
	own := func(path, _ string) bool {
		return strings.HasPrefix(path, "bin/") || path == "connectors/sources/meddles-source/notes"
	}
	maps.DeleteFunc(before, own)
	maps.DeleteFunc(after, own)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the repository has changed:\n%s", diff)
	}
}

// generate runs catalogen and returns what it says on both streams, and its status.
func generate(t *testing.T, env, args []string) (said string, status int) {
	t.Helper()
	run := exec.CommandContext(t.Context(), "catalogen", append([]string{"generate", "--keep-going", "--jobs", "8", "--limit-memory", "256", "--limit-file", "64"}, args...)...)
	run.Env = env
	text, err := run.CombinedOutput()
	if run.ProcessState == nil {
		t.Fatal(err)
	}
	return string(text), run.ProcessState.ExitCode()
}

var foundLine = regexp.MustCompile(`(?m)^(\S.*) \[([a-z0-9-]+)\] .*\n((?:  .*\n)+)`)

// blame holds the findings against the culprits.
func blame(t *testing.T, said string, culprits []culprit) {
	t.Helper()
	type found struct{ rule, text string }
	findings := map[string][]found{}
	for _, m := range foundLine.FindAllStringSubmatch(said, -1) {
		findings[m[1]] = append(findings[m[1]], found{m[2], m[3]})
	}
	for _, c := range culprits {
		name := finding.Line(c.name)
		list := findings[name]
		delete(findings, name)
		switch {
		case len(list) != 1:
			t.Errorf("%s has %d findings: %q", name, len(list), list)
		case list[0].rule != c.rule || !strings.Contains(list[0].text, c.says):
			t.Errorf("%s: [%s] %s\nwant [%s] %s", name, list[0].rule, list[0].text, c.rule, c.says)
		case !strings.Contains(list[0].text, "\n  fix: "):
			t.Errorf("%s: no word of what to do: %s", name, list[0].text)
		}
	}
	if len(findings) > 0 {
		t.Errorf("others are blamed: %v", findings)
	}
}

// harmless holds text against what must never come out.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	for _, secret := range []string{"canary-of-the-parent", "secret-of-the-machine"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds %s", what, secret)
		}
	}
	switch filepath.Ext(what) {
	case ".woff2", ".png", ".ico":
		return
	}
	if !utf8.ValidString(text) {
		t.Errorf("%s is no UTF-8", what)
	}
	if i := strings.IndexFunc(text, finding.Unprintable); i >= 0 {
		t.Errorf("%s holds %q", what, text[max(0, i-20):i+5])
	}
}

// tree reads a folder: each path with its content, or what it is if that is no file.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch {
		case info.Size() > 1<<30: // it would fill the memory
			files[name] = fmt.Sprint(info.Size())
		case entry.Type().IsRegular():
			text, err := os.ReadFile(path)
			files[name] = string(text)
			return err
		case !entry.IsDir():
			files[name] = entry.Type().String()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// running lists the processes that were started below a folder, which is in their environment or where they work.
func running(t *testing.T, base string) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Skip("processes can be looked for on Linux only")
	}
	var list []string
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, _ := os.ReadFile("/proc/" + entry.Name() + "/environ")
		place, _ := os.Readlink("/proc/" + entry.Name() + "/cwd")
		if bytes.Contains(environ, []byte(base)) || strings.HasPrefix(place, base) {
			line, _ := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
			list = append(list, string(bytes.ReplaceAll(line, []byte{0}, []byte(" "))))
		}
	}
	return list
}
