package site

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/common/metadata"
)

const exampleSchema = `{"properties": {
	"endpoint": {"type": "string", "x-env": "DEMO_ENDPOINT"},
	"limit": {"type": "integer", "x-env": "DEMO_LIMIT"},
	"fresh": {"type": "boolean", "x-env": "DEMO_FRESH"},
	"tls": {"type": "boolean", "x-env": "DEMO_TLS"},
	"codes": {"type": "array", "items": {"type": "integer"}, "x-env": "DEMO_CODES"},
	"words": {"type": "array", "items": {"type": "string"}, "x-env": "DEMO_WORDS"},
	"header": {"type": "array", "items": {"type": "string"}, "x-env": "DEMO_HEADER", "x-sep": "none"},
	"labels": {"type": "object", "additionalProperties": {"type": "string"}, "x-env": "DEMO_LABELS"},
	"token": {"type": "string", "writeOnly": true, "x-env": "DEMO_TOKEN"},
	"url": {"type": "string", "x-env": "DEMO_URL", "x-aliases": ["address", "uri"]},
	"odd name": {"type": "string", "x-env": "A=1; reboot"},
	"name": {"type": "string", "x-shared": true, "x-env": "PATCHBAY_NAME"},
	"topic": {"type": "string", "x-shared": true, "x-env": "PATCHBAY_TOPIC"},
	"map": {"type": "array", "items": {"type": "string"}, "x-shared": true, "x-env": "PATCHBAY_MAP"},
	"filter": {"type": "array", "items": {"type": "string"}, "x-shared": true, "x-env": "PATCHBAY_FILTER"}}}`

func newTestExample(t *testing.T, options string) example {
	t.Helper()
	list, err := decodeOptions(json.RawMessage(exampleSchema))
	if err != nil {
		t.Fatal(err)
	}
	e, err := newExample("demo-source", 0, metadata.Example{Title: "x", Options: json.RawMessage(options)}, list)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var snippetTests = []struct {
	name    string
	options string
	args    []string          // what the command passes
	env     map[string]string // what the command's environment holds
	envArgs []string          // what the other form passes
	envEnv  map[string]string
	file    map[string]any
}{
	{
		name:    "plain values",
		options: `{"endpoint": "https://example.com/x", "limit": 10, "topic": "demo"}`,
		args:    []string{"--endpoint", "https://example.com/x", "--limit", "10", "--topic", "demo"},
		envEnv:  map[string]string{"DEMO_ENDPOINT": "https://example.com/x", "DEMO_LIMIT": "10", "PATCHBAY_TOPIC": "demo"},
		file: map[string]any{
			"type": "demo-source", "topic": "demo",
			"parameters": map[string]any{"endpoint": "https://example.com/x", "limit": uint64(10)},
		},
	},
	{
		name:    "text that shells and YAML take for something else",
		options: `{"endpoint": "it's \"$HOME\" #1: ${x} \\ *", "words": ["yes", "1e3", "a,b"], "name": "on"}`,
		args: []string{
			"--endpoint", `it's "$HOME" #1: ${x} \ *`, "--words", "yes", "--words", "1e3", "--words", `a\,b`,
			"--name", "on",
		},
		envEnv: map[string]string{"DEMO_ENDPOINT": `it's "$HOME" #1: ${x} \ *`, "DEMO_WORDS": `yes,1e3,a\,b`, "PATCHBAY_NAME": "on"},
		file: map[string]any{"type": "demo-source", "name": "on", "parameters": map[string]any{
			"endpoint": `it's "$HOME" #1: $${x} \ *`, "words": []any{"yes", "1e3", "a,b"},
		}},
	},
	{
		name:    "flags that need no value, and values that look like flags",
		options: `{"fresh": true, "tls": false, "endpoint": "-x", "topic": "-"}`,
		args:    []string{"--endpoint=-x", "--fresh", "--tls=false", "--topic", "-"},
		envEnv:  map[string]string{"DEMO_FRESH": "true", "DEMO_TLS": "false", "DEMO_ENDPOINT": "-x", "PATCHBAY_TOPIC": "-"},
		file: map[string]any{
			"type": "demo-source", "topic": "-",
			"parameters": map[string]any{"fresh": true, "tls": false, "endpoint": "-x"},
		},
	},
	{
		name:    "a secret is asked for and never written down",
		options: `{"token": "s3cr3t", "topic": "demo"}`,
		args:    []string{"--topic", "demo"},
		env:     map[string]string{"DEMO_TOKEN": "<token>"},
		envEnv:  map[string]string{"DEMO_TOKEN": "<token>", "PATCHBAY_TOPIC": "demo"},
		file:    map[string]any{"type": "demo-source", "topic": "demo", "secrets": map[string]any{"token": "${env:DEMO_TOKEN}"}},
	},
	{
		name:    "lists, pairs and transforms",
		options: `{"codes": [200, 204], "labels": {"b": "2;3", "a": "1"}, "filter": [".x > 1"], "map": [".a", "{b: .c, d}"]}`,
		args: []string{
			"--codes", "200", "--codes", "204", "--labels", "a=1", "--labels", `b=2\;3`,
			"--map", ".a", "--map", "{b: .c, d}", "--filter", ".x > 1",
		},
		envArgs: []string{"--map", ".a", "--map", "{b: .c, d}", "--filter", ".x > 1"},
		envEnv:  map[string]string{"DEMO_CODES": "200,204", "DEMO_LABELS": `a=1;b=2\;3`},
		file: map[string]any{
			"type":       "demo-source",
			"parameters": map[string]any{"codes": []any{uint64(200), uint64(204)}, "labels": map[string]any{"b": "2;3", "a": "1"}},
			"transforms": []any{map[string]any{"map": ".a"}, map[string]any{"map": "{b: .c, d}"}, map[string]any{"filter": ".x > 1"}},
		},
	},
	{
		name:    "a single transform may stand in a variable",
		options: `{"filter": [".x"], "topic": "demo"}`,
		args:    []string{"--topic", "demo", "--filter", ".x"},
		envEnv:  map[string]string{"PATCHBAY_TOPIC": "demo", "PATCHBAY_FILTER": ".x"},
		file:    map[string]any{"type": "demo-source", "topic": "demo", "transforms": []any{map[string]any{"filter": ".x"}}},
	},
	{
		name:    "elements that hold commas stay whole where commas do not separate",
		options: `{"header": ["A: 1, 2", "B: 3"]}`,
		args:    []string{"--header", "A: 1, 2", "--header", "B: 3"},
		envArgs: []string{"--header", "A: 1, 2", "--header", "B: 3"},
		file:    map[string]any{"type": "demo-source", "parameters": map[string]any{"header": []any{"A: 1, 2", "B: 3"}}},
	},
	{
		name:    "a name that is no word of a shell is quoted, a variable that is none is not used",
		options: `{"odd name": "x"}`,
		args:    []string{"--odd name", "x"},
		envArgs: []string{"--odd name", "x"},
		file:    map[string]any{"type": "demo-source", "parameters": map[string]any{"odd name": "x"}},
	},
}

func TestSnippetsMeanTheirOptions(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a POSIX shell named sh")
	}
	for _, tt := range snippetTests {
		t.Run(tt.name, func(t *testing.T) {
			e := newTestExample(t, tt.options)
			args, env := runSnippet(t, shell, e.Snippets[0].Text())
			if diff := cmp.Diff(tt.args, args); diff != "" {
				t.Errorf("command: arguments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(orEmpty(tt.env), env); diff != "" {
				t.Errorf("command: environment (-want +got):\n%s", diff)
			}
			args, env = runSnippet(t, shell, e.Snippets[1].Text())
			if diff := cmp.Diff(tt.envArgs, args); diff != "" {
				t.Errorf("environment form: arguments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(orEmpty(tt.envEnv), env); diff != "" {
				t.Errorf("environment form: environment (-want +got):\n%s", diff)
			}
			var file map[string]any
			if err := yaml.Unmarshal([]byte(e.Snippets[2].Text()), &file); err != nil {
				t.Fatalf("config file: %v\n%s", err, e.Snippets[2].Text())
			}
			if diff := cmp.Diff(tt.file, file); diff != "" {
				t.Errorf("config file (-want +got):\n%s\n%s", diff, e.Snippets[2].Text())
			}
			readAsConfig(t, tt.options, e.Snippets[2].Text())
			for _, s := range e.Snippets {
				if strings.Contains(s.Text(), "s3cr3t") {
					t.Errorf("%s shows the secret", s.Label)
				}
			}
		})
	}
}

// An example that is older than an option's name shows how the option is given today.
func TestAnExampleByAFormerName(t *testing.T) {
	want := newTestExample(t, `{"url": "https://example.com/", "topic": "demo"}`)
	got := newTestExample(t, `{"uri": "https://example.com/", "topic": "demo"}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// readAsConfig reads a config file as a connector does and compares what it finds with the options of the example.
func readAsConfig(t *testing.T, options, text string) {
	t.Helper()
	file, err := config.Parse("demo.yaml", []byte(text), config.Env{
		LookupEnv: func(string) (string, bool) { return "s3cr3t", true },
	})
	if err != nil {
		t.Fatalf("config file: %v\n%s", err, text)
	}
	got := map[string]any{}
	for name, value := range file.Parameters {
		got[name] = value.Any
	}
	if file.Name != nil {
		got["name"] = file.Name.Any
	}
	if file.Topic != nil {
		got["topic"] = file.Topic.Any
	}
	for _, step := range file.Transforms {
		list, _ := got[step.Kind].([]any)
		got[step.Kind] = append(list, step.Text)
	}
	dec := json.NewDecoder(strings.NewReader(options))
	dec.UseNumber()
	var want map[string]any
	if err := dec.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config file does not give the options back (-want +got):\n%s\n%s", diff, text)
	}
}

// runSnippet runs a command line in a real shell, with a connector that writes down what it is given.
func runSnippet(t *testing.T, shell, script string) (args []string, env map[string]string) {
	t.Helper()
	dir := t.TempDir()
	program := "#!" + shell + "\nfor a; do printf '%s\\0' \"$a\"; done >" + dir + "/args\n/usr/bin/env -0 >" + dir + "/env\n"
	if err := os.WriteFile(filepath.Join(dir, "demo-source"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), shell, "-eu", "-c", script)
	cmd.Env = []string{"PATH=" + dir}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
	env = map[string]string{}
	for _, line := range readNul(t, dir+"/env") {
		name, value, _ := strings.Cut(line, "=")
		if strings.HasPrefix(name, "DEMO_") || strings.HasPrefix(name, "PATCHBAY_") {
			env[name] = value
		}
	}
	return readNul(t, dir+"/args"), env
}

func readNul(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func FuzzTextSurvivesTheConfigFile(f *testing.F) {
	for _, text := range []string{"", "plain", "yes", "~", "- x", "a: b", "#", "1_000", "0x1f", ".5", "2020-01-02", "x ", "a:b", "é", "\u2028", "/", ".", "1m30s", "64KiB", `say "it's"`, `a\b"`, "\u00a0\""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ToValidUTF8(text, "") != text || strings.Contains(text, "${") {
			t.Skip("not text, or a reference")
		}
		var got map[string]any
		line := "key: " + scalar(quoted(text)) + "\n"
		if err := yaml.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got["key"] != text {
			t.Errorf("%q is read as %#v from %q", text, got["key"], line)
		}
	})
}
