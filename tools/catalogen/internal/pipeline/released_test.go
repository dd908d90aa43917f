package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/baseline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// folderVariable makes this program the connector of a folder.
const folderVariable = "PATCHBAY_TEST_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(folderVariable); dir != "" {
		os.Exit(fake.Main(append([]string{dir}, os.Args[1:]...)))
	}
	os.Exit(m.Run())
}

// steps notes what is done with a connector.
type steps []string

func (*steps) Begin([]string)          {}
func (s *steps) Step(_, what string)   { *s = append(*s, what) }
func (*steps) End(Row)                 {}
func (s *steps) since() (now []string) { now, *s = *s, nil; return now }

// examination is a run with one connector, built and checked, and what is done with it.
func examination(t *testing.T, document, waivers string) (*run, rules.Subject, *steps) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	root, bin := t.TempDir(), t.TempDir()
	if err := (fake.Folder{Path: "connectors/sources/a-source", Metadata: document}).Write(root); err != nil {
		t.Fatal(err)
	}
	folders, _, err := discover.Folders(root)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexport GORACE=atexit_sleep_ms=0 %s='%s'\nexec '%s' \"$@\"\n", folderVariable, folders[0].Dir, program)
	if err := os.WriteFile(filepath.Join(bin, "a-source"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	today := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	s := rules.Subject{Folder: folders[0], Text: []byte(document)}
	if s.Document, s.Published, err = probe.Decode(s.Text); err != nil {
		t.Fatal(err)
	}
	if waivers != "" {
		if err := os.WriteFile(filepath.Join(folders[0].Dir, rules.WaiverFile), []byte(waivers), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s.Waivers, err = rules.ReadWaivers(folders[0].Dir, today); err != nil {
		t.Fatal(err)
	}
	s, findings := rules.Check(s)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	cache, err := evidence.OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	watch := new(steps)
	r := &run{Config: Config{
		Root: root, Bin: bin, Jobs: 1, Cache: cache, Watch: watch, Today: today,
		Limits: Limits{Answer: time.Minute, Work: time.Minute, Memory: 4 << 30, File: 1 << 30},
	}}
	t.Cleanup(r.homes.Remove)
	if r.digester, r.digests, _, err = digest(t.Context(), root, folders); err != nil {
		t.Fatal(err)
	}
	return r, s, watch
}

// against makes texts, keyed by version, what is released of the connector.
func (r *run) against(unknown bool, texts map[string]string) {
	documents := map[string][]byte{}
	for version, text := range texts {
		documents[version] = []byte(text)
	}
	r.baseline = baseline.Baseline{Unknown: unknown, Documents: map[string]map[string][]byte{"a-source": documents}}
}

func TestReplayRunsOnlyWhereTheDocumentIsAnother(t *testing.T) {
	document := fake.Metadata("a-source")
	old := strings.NewReplacer("0.1.0", "0.0.9", `"maximum": 100`, `"maximum": 50`).Replace(document)
	older := strings.NewReplacer("0.1.0", "0.0.8", `"maximum": 100`, `"maximum": 25`).Replace(document)
	r, s, watch := examination(t, document, "")
	for _, tt := range []struct {
		name     string
		unknown  bool
		released map[string]string
		want     []string
	}{
		{name: "nothing is released"},
		{name: "it cannot be told what is released", unknown: true, released: map[string]string{"0.0.9": old}},
		{name: "it is the released one", released: map[string]string{"0.0.9": old, "0.1.0": string(s.Published)}},
		{name: "it is another", released: map[string]string{"0.0.9": old}, want: []string{"replay"}},
		{name: "it is known", released: map[string]string{"0.0.9": old}},
		{name: "only the newest counts", released: map[string]string{"0.0.9": old, "0.0.8": older}},
		{name: "another one is released", released: map[string]string{"0.0.8": older}, want: []string{"replay"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r.against(tt.unknown, tt.released)
			_, findings, err := r.released(t.Context(), s)
			if err != nil || len(findings) > 0 {
				t.Errorf("findings %v, %v", findings, err)
			}
			if diff := cmp.Diff(tt.want, watch.since()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAContradictionIsAFindingEachTimeUnlessItIsWaived(t *testing.T) {
	document := strings.Replace(fake.Metadata("a-source"), `"maximum": 100`, `"maximum": 50`, 1)
	r, s, watch := examination(t, document, "")
	for range 2 {
		findings, err := r.replay(t.Context(), s, []byte(fake.Metadata("a-source")), nil)
		if err != nil || len(findings) != 1 {
			t.Fatalf("findings %v, %v", findings, err)
		}
		f := findings[0]
		if f.Connector != "a-source" || f.Rule != "replay" || f.Where != "0.1.0: option limit" || f.Fix == "" {
			t.Errorf("finding %+v", f)
		}
		if diff := cmp.Diff([]string{"replay"}, watch.since()); diff != "" {
			t.Error(diff)
		}
	}
	r, s, _ = examination(t, document, `{"replay": {"limit": {"reason": "Nobody had more.", "expires": "2027-06-30"}}}`)
	findings, err := r.replay(t.Context(), s, []byte(fake.Metadata("a-source")), nil)
	if err != nil || len(findings) > 0 || s.Waivers.Check(true) != nil {
		t.Errorf("waived: findings %v, %v, %v", findings, s.Waivers.Check(true), err)
	}
}

var _ Watcher = (*steps)(nil)
