package common

import (
	"context"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/options"
)

// Renamed is a source for tests whose options had other names.
type Renamed struct {
	Endpoint string `help:"Address." required:"" identity:"" aliases:"url"`
	APIKey   Secret `help:"Key." aliases:"token"`
}

func (r *Renamed) Run(ctx context.Context, out Output) error {
	return out.Send(ctx, Record{ID: "1", Value: []byte(r.Endpoint)})
}

// Before is what it was.
type Before struct {
	URL   string `help:"Address." required:"" identity:"" name:"url"`
	Token Secret `help:"Key."`
}

func (b *Before) Run(context.Context, Output) error { return nil }

func renamed(pattern any) *program {
	return &program{direction: metadata.Source, pattern: pattern, info: Info{
		Name: "renamed-source", Version: "1.2.3", Category: "Testing", Description: "Has moved.",
	}}
}

func TestFormerNamesAreTakenWithANote(t *testing.T) {
	const note = "renamed-source: --url is now --endpoint\n"
	file := map[string]string{"c.yaml": "topic: '-'\nparameters: {url: a}\nsecrets: {token: c4n4ry}\n"}
	tests := []struct {
		name   string
		set    setting
		status int
		stdout string
		stderr []string // contained
	}{
		{"a flag", setting{args: []string{"--topic", "-", "--url", "a"}}, 0, "\"a\"\n", []string{note}},
		{"a flag of validate", setting{args: []string{"validate", "--topic", "-", "--url=a"}}, 0, "renamed-source: the options are valid\n", []string{note}},
		{
			"a secret on the command line",
			setting{args: []string{"--topic", "-", "--url", "a", "--token", "c4n4ry"}},
			0, "\"a\"\n",
			[]string{"--url is now --endpoint, --token is now --api-key\n", "--api-key on the command line shows in the process list"},
		},
		{
			"a variable",
			setting{args: []string{"--topic", "-"}, env: map[string]string{"RENAMED_SOURCE_URL": "a"}},
			0, "\"a\"\n",
			[]string{"level=WARN msg=\"RENAMED_SOURCE_URL is now RENAMED_SOURCE_ENDPOINT\""},
		},
		{"keys of a file", setting{args: []string{"--config", "c.yaml"}, files: file}, 0, "\"a\"\n", []string{"c.yaml:2: url is now endpoint", "c.yaml:3: token is now api-key"}},
		{
			"keys of a file that is checked",
			setting{args: []string{"validate", "--config", "c.yaml"}, files: file},
			0, "renamed-source: the options are valid\n",
			[]string{"renamed-source: c.yaml:2: url is now endpoint\nrenamed-source: c.yaml:3: token is now api-key\n"},
		},
		{
			"both names",
			setting{args: []string{"--topic", "-", "--url", "a", "--endpoint", "b"}},
			2, "",
			[]string{"renamed-source: --url and --endpoint are names of one option; keep --endpoint\n"},
		},
		{
			"both names of a secret",
			setting{args: []string{"--topic", "-", "--url=a"}, env: map[string]string{"RENAMED_SOURCE_TOKEN": "c4n4ry", "RENAMED_SOURCE_API_KEY": "c4n4ry"}},
			2, "",
			[]string{"RENAMED_SOURCE_API_KEY and RENAMED_SOURCE_TOKEN are names of one option; keep RENAMED_SOURCE_API_KEY\n"},
		},
		{
			"documents",
			setting{args: []string{"validate", "--batch", "-"}, stdin: `{"topic":"t","url":"a","token":["c4n4ry"]}` + "\n" + `{"topic":"t","url":"a"}` + "\n" + `{"topic":"t","url":"a","endpoint":"a"}` + "\n"},
			0,
			`{"valid":false,"problems":[{"option":"api-key","message":"expected text, got a list: put it in quotes"}],"notes":["url is now endpoint","token is now api-key"]}` + "\n" +
				`{"valid":true,"problems":[],"notes":["url is now endpoint"]}` + "\n" +
				`{"valid":false,"problems":[{"option":"endpoint","message":"endpoint and url are names of one option; keep endpoint"}]}` + "\n", nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), renamed(&Renamed{}), tt.set)
			if got.status != tt.status || got.stdout != tt.stdout {
				t.Errorf("status %d, stdout %q, stderr %q", got.status, got.stdout, got.stderr)
			}
			for _, part := range tt.stderr {
				if strings.Count(got.stderr, part) != 1 {
					t.Errorf("stderr %q does not hold %q once", got.stderr, part)
				}
			}
			if strings.Contains(got.stderr+got.stdout, "c4n4ry") {
				t.Errorf("the secret comes out: %q %q", got.stdout, got.stderr)
			}
		})
	}
}

func TestARenamedOptionNamesTheSameResource(t *testing.T) {
	fingerprint := func(pattern any, args ...string) string {
		p := renamed(pattern)
		m, err := p.grammar()
		if err != nil {
			t.Fatal(err)
		}
		line, problems := m.Args(args)
		settings, more := m.Resolve(options.Inputs{Line: line})
		if problems = append(problems, more...); len(problems) > 0 {
			t.Fatal(problems[0])
		}
		return identity(m, settings)
	}
	want := fingerprint(&Before{}, "--topic=t", "--url=a")
	for _, flag := range []string{"--url=a", "--endpoint=a"} {
		if got := fingerprint(&Renamed{}, "--topic=t", flag); got != want || got == "" {
			t.Errorf("%s: fingerprint %q, want %q", flag, got, want)
		}
	}
}
