package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a report folder out of file names and contents.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const junit = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="example.com/a">
    <testcase name="TestGood"></testcase>
    <testcase name="TestBad"><failure message="Failed">boom</failure></testcase>
    <testcase name="TestAway"><skipped message="=== RUN   TestAway&#xA;    a_test.go:5: no server&#xA;--- SKIP: TestAway"></skipped></testcase>
  </testsuite>
  <testsuite name="b.bats">
    <testcase name="is fine"/>
    <testcase name="is broken"><error/></testcase>
    <testcase name="waits"><skipped>no Chromium</skipped></testcase>
  </testsuite>
</testsuites>`

func TestSummarise(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		ok    bool
		want  []string // lines that must be there; the first is the last of the report
	}{
		{
			name:  "a part without a report is one check",
			files: map[string]string{"parts": "build 0\nvet 0\n"},
			ok:    true,
			want:  []string{"2 passed, 0 failed"},
		},
		{
			name: "a log's counts stand for its tests",
			files: map[string]string{
				"parts": "p 1\n",
				"p/x.log": "a-source: 12 passed, 0 failed, 0 skipped (cached)\nb-sink: 3 passed, 2 failed, 1 skipped\n" +
					"15 passed, 2 failed, 1 skipped\n",
			},
			want: []string{
				"15 passed, 2 failed", "1 skipped", "FAILED p: b-sink: 2 of its tests, named above",
				"SKIPPED p: b-sink: 1 of its tests, named above",
			},
		},
		{
			name:  "a part that failed without a report is one failure",
			files: map[string]string{"parts": "build 2\n"},
			want:  []string{"0 passed, 1 failed", "FAILED build: build: exit status 2"},
		},
		{
			name:  "JUnit tests are counted and what is not well is named",
			files: map[string]string{"parts": "unit 1\n", "unit/junit.xml": junit},
			want: []string{
				"2 passed, 2 failed", "2 skipped", "FAILED unit: example.com/a: TestBad", "FAILED unit: b.bats: is broken",
				"SKIPPED unit: example.com/a: TestAway (a_test.go:5: no server)", "SKIPPED unit: b.bats: waits (no Chromium)",
			},
		},
		{
			name: "reports in folders below the part's own are counted",
			files: map[string]string{
				"parts":          "connectors 0\n",
				"connectors/a/r": "no report", "connectors/a/x.tap": "1..1\nok 1 - one\n", "connectors/b/x.tap": "ok 1 two\n1..1\n",
			},
			ok:   true,
			want: []string{"2 passed, 0 failed"},
		},
		{
			name: "TAP skips, todos and nested tests",
			files: map[string]string{
				"parts":   "p 0\n",
				"p/x.tap": "TAP version 13\n1..3\n    not ok 1 - inner\nok 1 - a # SKIP no browser\nnot ok 2 - b # TODO later\nok 3 - # c\n",
			},
			want: []string{"1 passed, 1 failed", "1 skipped", "SKIPPED p: a (no browser)", "FAILED p: b"},
		},
		{
			name:  "a TAP suite that is skipped as a whole",
			files: map[string]string{"parts": "build 0\np 0\n", "p/x.tap": "TAP version 13\n1..0 # SKIP no Chromium\n"},
			ok:    true,
			want:  []string{"1 passed, 0 failed", "1 skipped", "SKIPPED p: everything (no Chromium)"},
		},
		{
			name:  "a TAP suite without a test is a failure",
			files: map[string]string{"parts": "p 0\n", "p/x.tap": "1..0\n"},
			want:  []string{"0 passed, 1 failed", "FAILED p: ran no test"},
		},
		{
			name:  "a TAP failure",
			files: map[string]string{"parts": "p 1\n", "p/x.tap": "1..2\nok 1 - a\nnot ok 2 - b\n# why\n"},
			want:  []string{"1 passed, 1 failed", "FAILED p: b"},
		},
		{
			name:  "a TAP run that stopped early is a failure",
			files: map[string]string{"parts": "p 0\n", "p/x.tap": "1..3\nok 1 - a\n"},
			want:  []string{"1 passed, 1 failed", "FAILED p: TAP: 3 tests were planned, 1 reported"},
		},
		{
			name:  "a bail-out is a failure",
			files: map[string]string{"parts": "p 0\n", "p/x.tap": "1..1\nBail out! no disk\n"},
			want:  []string{"0 passed, 1 failed", "FAILED p: TAP: Bail out! no disk"},
		},
		{
			name:  "a part whose reports are all well but whose status is not has failed",
			files: map[string]string{"parts": "p 3\n", "p/x.tap": "1..1\nok 1 - a\n"},
			want:  []string{"1 passed, 1 failed", "FAILED p: p: exit status 3"},
		},
		{
			name:  "a report without a test is a failure",
			files: map[string]string{"parts": "p 0\n", "p/x.xml": "<testsuites></testsuites>"},
			want:  []string{"0 passed, 1 failed", "FAILED p: ran no test"},
		},
		{
			name:  "a report that cannot be read is a failure",
			files: map[string]string{"parts": "p 0\n", "p/x.xml": "<testsuites><testsuite>"},
			want:  []string{"0 passed, 1 failed"},
		},
		{
			name:  "a run of no parts is not well",
			files: map[string]string{"parts": ""},
			want:  []string{"0 passed, 0 failed"},
		},
		{
			name:  "a run that skipped everything is not well",
			files: map[string]string{"parts": "p 0\n", "p/x.tap": "1..1\nok 1 - a # skip\n"},
			want:  []string{"0 passed, 0 failed", "1 skipped"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parts, err := readParts(write(t, tt.files))
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if ok := summarise(&text, parts); ok != tt.ok {
				t.Errorf("all is well: %t, want %t", ok, tt.ok)
			}
			lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; last != tt.want[0] {
				t.Errorf("last line %q, want %q", last, tt.want[0])
			}
			for _, want := range tt.want {
				if !strings.Contains("\n"+text.String(), "\n"+want+"\n") {
					t.Errorf("no line %q in:\n%s", want, text.String())
				}
			}
		})
	}
}

func TestReadPartsRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"no parts file":  {},
		"a broken line":  {"parts": "build\n"},
		"a broken count": {"parts": "build zero\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if parts, err := readParts(write(t, files)); err == nil {
				t.Errorf("got %v, want an error", parts)
			}
		})
	}
}
