package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/config"
)

// pipelineIn writes a pipeline file into a folder of its own and returns its path.
func pipelineIn(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPipelineProblemsNameLineAndFix(t *testing.T) {
	const sides = "source: {type: a-source}\nsink: {type: b-sink}\n"
	tests := []struct{ name, text, want string }{
		{"an unknown key", sides + "sinks: {}", "p.yaml:3:1: sinks: unknown key; did you mean sink?"},
		{"no sink", "source: {type: a}", "p.yaml:1: sink: the key is missing; write sink: {type: …, parameters: {…}}"},
		{"no type", "source:\n  parameters: {a: 1}\nsink: {type: b}", "p.yaml:1:1: source: the key type is missing"},
		{"a topic", "source: {type: a, topic: t}\nsink: {type: b}", "p.yaml:1:19: source.topic: a pipeline has no topic"},
		{"a name within a side", "source: {type: a, name: t}\nsink: {type: b}", "source.name: both sides have the pipeline's name"},
		{"an unknown key of a side", "source: {type: a}\nsink:\n  type: b\n  parmeters: {}", "p.yaml:4:3: sink.parmeters: unknown key; did you mean parameters?"},
		{"a key given twice", sides + "sink: {type: c}", "p.yaml:3:1: sink: the key stands in line 2 already"},
		{"a side that is a text", "source: a\nsink: {type: b}", "p.yaml:1:9: source: the value is text and not a mapping"},
		{"a list", "- a", "the file is a list and not a mapping; its keys are name, source, sink, dead_letter"},
		{"a bad name", "name: a b\n" + sides, `p.yaml:1:7: name: "a b" cannot be a pipeline's name`},
		{"a type that is a number", "source: {type: 1}\nsink: {type: b}", "source.type: the value is a number and not text"},
		{"dead letters without a file", sides + "dead_letter: {}", "p.yaml:3:1: dead_letter: it says nothing"},
		{"dead letters elsewhere", sides + "dead_letter: {topic: t}", "p.yaml:3:15: dead_letter.topic: unknown key"},
		{"a number of some YAML", "source: {type: a, parameters: {n: 0x1F}}\nsink: {type: b}", "p.yaml:1:35: source.parameters: the number is not written as JSON"},
		{"an empty file", "", "p.yaml:1: the file is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.ReadPipeline(pipelineIn(t, "p.yaml", tt.text), config.Env{})
			var all *config.Error
			if !errors.As(err, &all) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestPipelineNameIsThatOfTheFile(t *testing.T) {
	p, err := config.ReadPipeline(pipelineIn(t, "orders.eu.yaml", "source: {type: a}\nsink: {type: ./b.sh}\ndead_letter: {file: d}"), config.Env{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(p.Path)
	if p.Name != "orders.eu" || p.Source.Type != "a" || p.Sink.Type != filepath.Join(dir, "b.sh") || p.DeadLetter != filepath.Join(dir, "d") {
		t.Errorf("read %+v", p)
	}
}

func TestSideIsAConfigFileWithTheSameLines(t *testing.T) {
	const text = `name: orders
source:
  type: a-source
  parameters:
    # a comment
    path: ${file:sub/p}
    big: 12345678901234567890.10
    log_level: warn
    list: [1, "two",
      true]
  secrets: {token: "${env:TOKEN}", plain: "$${env:x}"}
  transforms:
    - map: |
        .a
        .b
    - {filter: .ok}
sink: {type: b-sink}
`
	path := pipelineIn(t, "p.yaml", text)
	p, err := config.ReadPipeline(path, config.Env{})
	if err != nil {
		t.Fatal(err)
	}
	for option, want := range map[string]string{"log-level": "warn", "token": "${env:TOKEN}"} {
		if text, given := p.Source.Option(option); text != want || !given {
			t.Errorf("option %s is %q, %v", option, text, given)
		}
	}
	if _, given := p.Source.Option("none"); given {
		t.Error("an option is given that is not")
	}
	data := p.Source.JSON(true, map[string]any{"once": true, "log-level": "error", "max-records": 3})
	dir := filepath.Dir(path)
	env := config.Env{
		LookupEnv: func(name string) (string, bool) { return "secret", name == "TOKEN" },
		ReadFile: func(path string) ([]byte, error) {
			if path != filepath.Join(dir, "sub", "p") {
				return nil, os.ErrNotExist
			}
			return []byte("from file\n"), nil
		},
	}
	f, err := config.Parse("/elsewhere/source.json", data, env)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	for name, want := range map[string]struct {
		value any
		line  int
	}{
		"path": {"from file", 6}, "token": {"secret", 11}, "plain": {"${env:x}", 11}, "log-level": {"error", 0}, "once": {true, 0}, "max-records": {json.Number("3"), 0},
	} {
		v := f.Parameters[name]
		if v.Any != want.value || want.line > 0 && v.Line != want.line {
			t.Errorf("%s is %v in line %d, want %v in line %d", name, v.Any, v.Line, want.value, want.line)
		}
	}
	if n := f.Parameters["big"]; n.Line != 7 || n.Any == nil {
		t.Errorf("big is %v in line %d", n.Any, n.Line)
	}
	if len(f.Transforms) != 2 || f.Transforms[0].Text != ".a\n.b\n" || f.Transforms[1].Line != 16 || f.Type.Any != "a-source" {
		t.Errorf("transforms %+v, type %v", f.Transforms, f.Type)
	}
}
