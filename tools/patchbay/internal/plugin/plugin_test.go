package plugin_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestASyncIsAPassInPages(t *testing.T) {
	for _, options := range []string{
		"count: 5\ndrop: 3\n", `{"count": 5, "drop": 3}`, "--count 5 --drop=3", "--count 5 --drop 3 --patchbay.name other", "---\ncount: 5\r\ndrop: 3",
	} {
		t.Run(options, func(t *testing.T) {
			r := run(t, []string{"PLUGIN_PAGE=2"}, "-options", options)
			if r.err != "" || slices.Max(append(r.pages, 0)) != 2 || !slices.Equal(r.ids, []string{"k1", "k2", "k3", "k4", "k5"}) {
				t.Fatalf("the host got %+v", r)
			}
			if want := `number {"value":{"n":1,"pad":""},"headers":{"h":"1"}}`; r.contents[0] != want {
				t.Errorf("the first object is %s, want %s", r.contents[0], want)
			}
			if want := `number {"deleted":true,"headers":{"h":"3"}}`; r.contents[2] != want {
				t.Errorf("the deleted object is %s, want %s", r.contents[2], want)
			}
			name := fmt.Sprint(r.end["account"])
			delete(r.end, "account")
			delete(r.end, "connector")
			if r.end["pages"] != float64(len(r.pages)) {
				t.Errorf("%d pages came, and the sync says %v", len(r.pages), r.end["pages"])
			}
			delete(r.end, "pages")
			if got := fmt.Sprint(r.end); got != "map[deletes:1 positions:map[:5] upserts:4 version:0.1.0]" || r.cleans > 0 {
				t.Errorf("the sync ended with %s", got)
			}
			if strings.Contains(options, "other") != (name == "other") || len(name) < 5 {
				t.Errorf("the account is called %q", name)
			}
		})
	}
}

func TestASyncThroughTLS(t *testing.T) {
	if r := run(t, nil, "-mtls", "-options", "count: 3"); r.err != "" || len(r.ids) != 3 {
		t.Errorf("the host got %+v", r)
	}
}

func TestNoOptionsAreTheDefaults(t *testing.T) {
	if r := run(t, nil); r.err != "" || len(r.ids) != 5 {
		t.Errorf("the host got %+v", r)
	}
}

func TestFlagsBehindTheConnectorAreDefaults(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, nil, "-options", "drop: 2", "--", self, "--count", "3", "--drop", "1")
	if r.err != "" || r.end["upserts"] != 2.0 || r.end["deletes"] != 1.0 {
		t.Errorf("the host got %+v", r)
	}
}

func TestExpressionsNameObjects(t *testing.T) {
	options := `{"drop": 2, "count": 3, "patchbay.resource-name": "\"n=\\(.n)\"", "patchbay.uri": ".uri"}`
	r := run(t, []string{"PLUGIN_ID=.n"}, "-options", options)
	if r.err != "" || !slices.Equal(r.ids, []string{"1", "k2", "3"}) || !strings.HasPrefix(r.contents[2], "n=3 ") {
		t.Errorf("the host got %+v", r)
	}
}

func TestPagesStayBelowWhatAHostTakes(t *testing.T) {
	r := run(t, nil, "-options", "{count: 5, large: 1500000}")
	if r.err != "" || slices.Max(append(r.pages, 0)) > 2 || len(r.ids) != 5 {
		t.Errorf("the host got %v, %s", r.pages, r.err)
	}
	r = run(t, nil, "-options", "{count: 1, large: 5000000}")
	if r.code != "Unknown" || !strings.Contains(r.err, "larger than max") || !strings.Contains(r.err, "--map") {
		t.Errorf("the host got %v, %s", r.pages, r.err)
	}
}

func TestPositionsAreKeptForAnAccount(t *testing.T) {
	env := []string{"PLUGIN_STATE=" + filepath.Join(t.TempDir(), "state")}
	for _, step := range []struct {
		options string
		ids     int
		cleans  int
	}{
		{"{count: 3, patchbay.name: one}", 3, 0},
		{"{count: 5, patchbay.name: one}", 2, 0},
		{"{count: 5, patchbay.name: two}", 5, 0},
		{"{count: 5, patchbay.name: one, patchbay.resync: true}", 5, 1},
		{"{count: 5, patchbay.name: one, patchbay.resync: false}", 0, 0},
		{"{count: 5}", 5, 0},
		{"{count: 5}", 0, 0},
	} {
		r := run(t, env, "-options", step.options)
		if r.err != "" || len(r.ids) != step.ids || r.cleans != step.cleans || r.cleans > 0 && r.first != "clean" {
			t.Errorf("with %s the host got %+v", step.options, r)
		}
	}
}

func TestWhatCannotBeSyncedIsToldToTheHost(t *testing.T) {
	tests := []struct {
		name, options string
		env           []string
		code, err     string
	}{
		{"unknown option", "coutn: 3", nil, "InvalidArgument", `did you mean "count"`},
		{"several problems", "{count: -1, drop: x}", nil, "InvalidArgument", "drop"},
		{"wrong flag", "--coutn 3", nil, "InvalidArgument", `did you mean "count"`},
		{"flag without a value", "--count", nil, "InvalidArgument", "--count needs a value"},
		{"open quote", "--fail 'x", nil, "InvalidArgument", "a quote"},
		{"no YAML", "a: [", nil, "InvalidArgument", "the options:1:"},
		{"no mapping", "hello", nil, "InvalidArgument", "write each option as name: value"},
		{"JSON behind JSON", `{"count": 5}, "name": {}`, nil, "InvalidArgument", "the options:"},
		{"a key twice", "count: 1\ncount: 2", nil, "InvalidArgument", "the options:2:1: count: the option is given twice"},
		{"a reference by an escape", `fail: "\x24{env:HOME}"`, nil, "InvalidArgument", "HOME is not set"},
		{"topic", "topic: x", nil, "InvalidArgument", "topic is not an option"},
		{"no single pass", "once: false", nil, "InvalidArgument", "once: a sync is one bounded pass"},
		{"unknown option of ours", "patchbay.x: 1", nil, "InvalidArgument", "patchbay.x: there is no such option"},
		{"wrong option of ours", "patchbay.resync: 3", nil, "InvalidArgument", "patchbay.resync: expected true or false"},
		{"wrong name", "patchbay.name: ../x", nil, "InvalidArgument", "patchbay.name: write a letter"},
		{"wrong expression", "patchbay.uri: '.['", nil, "InvalidArgument", "uri: "},
		{"expression in a file", "patchbay.uri: '@x'", nil, "InvalidArgument", "names no files"},
		{"a sink", "", []string{"PLUGIN_CONNECTOR=sink"}, "InvalidArgument", "is a sink"},
		{"the source fails", "fail: no such bucket", nil, "Unknown", "no such bucket"},
		{"no name", "patchbay.remote-id: error(\"x\")", nil, "Unknown", "remote-id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := run(t, tt.env, "-options", tt.options)
			if r.code != tt.code || !strings.Contains(r.err, tt.err) || strings.Contains(r.err, "\n") {
				t.Errorf("the host was told %s: %s, want %s: %s", r.code, r.err, tt.code, tt.err)
			}
		})
	}
}

func TestOptionsAreLiteral(t *testing.T) {
	for _, options := range []string{`fail: "${env:HOME}"`, `{"fail": "${env:HOME}"}`, "--fail '${env:HOME}'"} {
		if r := run(t, nil, "-options", options); !strings.Contains(r.err, "${env:HOME}") {
			t.Errorf("%s gave %s", options, r.err)
		}
	}
}
