package blackbox

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

func properties(t *testing.T, list string) map[string]property {
	t.Helper()
	text := []byte(`{"properties": ` + list + `}`)
	compiled, err := schema.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	read, err := options.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return readProperties(read, compiled)
}

// The candidates of every kind of option must hold values on both sides of its schema, or parity proves nothing.
func TestCandidatesStandOnBothSides(t *testing.T) {
	for name, p := range properties(t, `{
		"text": {"type": "string"}, "short": {"type": "string", "minLength": 3, "maxLength": 7},
		"duration": {"type": "string", "x-type": "duration", "pattern": "^-?([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$"},
		"size": {"type": "string", "x-type": "size", "pattern": "^[0-9]+([KMG]i?B)$"},
		"url": {"type": "string", "x-type": "url", "pattern": "^https?://[a-z0-9.:]+(/[a-z0-9]*)?$"},
		"enum": {"type": "string", "enum": ["fast", "slow"]}, "numbers": {"type": "integer", "enum": [1, 2]},
		"count": {"type": "integer", "minimum": 100, "maximum": 200}, "rate": {"type": "number", "exclusiveMinimum": 0},
		"flag": {"type": "boolean"}, "list": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
		"map": {"type": "object", "additionalProperties": {"type": "string"}}}`) {
		good, bad := 0, 0
		for _, value := range p.candidates() {
			if p.accepts(value) {
				good++
			} else {
				bad++
			}
		}
		if good < 1 || bad < 3 {
			t.Errorf("%s: %d good values, %d bad ones", name, good, bad)
		}
		if _, ok := p.valid(); !ok {
			t.Errorf("%s: no valid value", name)
		}
	}
}

func TestNumbersStandAtTheBounds(t *testing.T) {
	p := properties(t, `{"n": {"type": "integer", "minimum": -5, "maximum": 10}}`)["n"]
	for _, want := range []string{"-6", "-5", "-4", "9", "10", "11", "1.0", "1e2", "9223372036854775808"} {
		if !slices.Contains(p.numbers(), any(json.Number(want))) {
			t.Errorf("%s is not tried", want)
		}
	}
}

func TestGroups(t *testing.T) {
	got := groups([]byte(`{"required": ["top"], "properties": {"required": {"required": ["inner"]}},
		"allOf": [{"not": {"required": ["a", "b"]}}], "oneOf": [{"required": ["c"]}, {"required": ["d"]}], "dependencies": {"e": ["f", "g"]}}`))
	want := [][]string{{"a", "b"}, {"e", "f", "g"}, {"c"}, {"d"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSpellable(t *testing.T) {
	p := properties(t, `{"s": {"type": "string"}, "i": {"type": "integer"}, "l": {"type": "array", "items": {"type": "string"}}, "m": {"type": "object"}}`)
	tests := []struct {
		option string
		value  any
		want   bool
	}{
		{"s", "a,b", true},
		{"s", "@file", false},
		{"s", json.Number("5"), false},
		{"i", json.Number("5"), true},
		{"i", json.Number("1e2"), false},
		{"i", "5", false},
		{"l", []any{"a", "b"}, true},
		{"l", []any{"a,b"}, false},
		{"l", []any{}, false},
		{"l", []any{true}, false},
		{"m", map[string]any{"a": "b"}, true},
		{"m", map[string]any{"a": "b;c"}, false},
		{"s", nil, false},
	}
	for _, tt := range tests {
		if got := p[tt.option].spellable(tt.value); got != tt.want {
			t.Errorf("%s %v: %v", tt.option, tt.value, got)
		}
	}
}

func TestTellsFindsTheCanaryInDisguise(t *testing.T) {
	const canary = "canary-7c1f/e93b+a5d0"
	for _, output := range []string{"x " + canary, "canary-7c1f%2Fe93b%2Ba5d0", "Y2FuYXJ5LTdjMWYvZTkzYithNWQw", "63616e6172792d376331662f653933622b61356430"} {
		if !tells([]byte(output), canary) {
			t.Errorf("%q passes", output)
		}
	}
	for _, output := range []string{"[REDACTED]", "canary-7c1f/e93b+a5d1"} {
		if tells([]byte(output), canary) {
			t.Errorf("%q is taken for it", output)
		}
	}
}

func TestMentions(t *testing.T) {
	tests := []struct {
		text, word string
		want       bool
	}{
		{"--topic=X", "topic", true},
		{"--topic-format", "topic", false},
		{"-l topic -d", "topic", true},
		{"my-topic", "topic", false},
		{"$A_B;", "A_B", true},
		{"$A_B_C", "A_B", false},
		{"0.1.0\n", "0.1.0", true},
		{"topic-format topic", "topic", true},
	}
	for _, tt := range tests {
		if got := mentions([]byte(tt.text), tt.word); got != tt.want {
			t.Errorf("%q mentions %q: %v", tt.text, tt.word, got)
		}
	}
}

func TestOddPropertiesAreRead(t *testing.T) {
	p := properties(t, `{
		"either": {"type": ["null", "integer", "string"], "maxLength": 3.0},
		"fixed": {"const": "only"}, "long": {"type": "string", "maxLength": 1e300}}`)
	for _, want := range []any{"aaa", "aaaa", json.Number("9223372036854775808")} {
		if !slices.Contains(scalars(p["either"].candidates()), want) {
			t.Errorf("%v is not tried of an option with three types", want)
		}
	}
	if value, ok := p["fixed"].valid(); !ok || value != "only" {
		t.Errorf("the value of a constant: %v, %v", value, ok)
	}
	if n := whole(p["long"].Longest); n != 0 {
		t.Errorf("a length beyond all sense is %d", n)
	}
	if _, ok := (property{}).valid(); ok {
		t.Error("what is no option has a valid value")
	}
}

// scalars leaves out what cannot be compared.
func scalars(values []any) []any {
	return slices.DeleteFunc(values, func(value any) bool {
		switch value.(type) {
		case []any, map[string]any:
			return true
		}
		return false
	})
}
