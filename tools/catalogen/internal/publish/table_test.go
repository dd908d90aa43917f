package publish

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func TestOptionTable(t *testing.T) {
	text, err := os.ReadFile("testdata/options.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := options.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	got := OptionTable(schema)
	if *update {
		if err := os.WriteFile("testdata/options.md", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/options.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("rewrite it with -update if that is right:\n%s", diff)
	}
}

func TestCodeFencesAreLongerThanWhatTheyHold(t *testing.T) {
	tests := []struct{ text, want string }{
		{"plain", "`plain`"},
		{"a`b", "`` a`b ``"},
		{"``", "``` `` ```"},
		{"```go", "```` ```go ````"},
		{"a|b", "`a\\|b`"},
	}
	for _, tt := range tests {
		if got := code(tt.text); got != tt.want {
			t.Errorf("%s gives %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestCommandLine(t *testing.T) {
	tests := []struct{ options, want string }{
		{`{"topic": "demo"}`, "a-source --topic=demo"},
		{`{"b": true, "a": false, "n": 1.50}`, "a-source --a=false --b --n=1.50"},
		{`{"header": ["a: b", "c"], "set": {"y": "2", "x": "1"}}`, "a-source --header='a: b' --header=c --set=x=1 --set=y=2"},
		{`{"map": [".a | \"it's\""], "empty": ""}`, `a-source --empty='' --map='.a | "it'\''s"'`},
		{`{"x": "$(id)", "y": "a;b", "z": "-"}`, "a-source --x='$(id)' --y='a;b' --z=-"},
		{`{"x": "true"}`, "a-source --x=true"},
	}
	for _, tt := range tests {
		got, err := CommandLine("a-source", json.RawMessage(tt.options))
		if err != nil || got != tt.want {
			t.Errorf("%s gives %s, %v; want %s", tt.options, got, err, tt.want)
		}
	}
}

// Readers of Markdown tables take a backslash with the character after it.
func TestBarsStayInTheirCell(t *testing.T) {
	for text, want := range map[string]string{"a|b": `a\|b`, `a\|b`: `a\\\|b`, `\\|`: `\\\\\|`, `a\b`: `a\b`, "<|>": `&lt;\|&gt;`} {
		if got := cell(text); got != want {
			t.Errorf("%s gives %s, want %s", text, got, want)
		}
	}
}
