package options

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
)

// written is what the writer makes of a value, and what encoding/json does.
func written(t testing.TB, v any) (got, want string) {
	t.Helper()
	w := &writer{line: "\n"}
	w.value(v)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(w.b), strings.TrimSuffix(b.String(), "\n")
}

func TestAWriterWritesWhatEncodingJSONDoes(t *testing.T) {
	for name, v := range map[string]any{
		"text": "a <b> & 'c'", "quotes": `a "b" \c`, "control characters": "a\n\t\x01\x7f", "lines of JavaScript": "a\u2028b\u2029c",
		"what is no UTF-8": "a\xffb", "other letters": "äöü 漢字 🙂", "a replacement character": "a\ufffdb",
		"a number": json.Number("-1.5e3"), "true": true, "false": false, "an empty list": []any{}, "an empty map": map[string]any{},
		"what holds something": map[string]any{"b": []any{"x", json.Number("1"), true}, "a": map[string]any{"<": "y"}, "": "z"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, want := written(t, v); got != want {
				t.Errorf("written %s, want %s", got, want)
			}
		})
	}
}

func FuzzAWriterQuotesAsEncodingJSONDoes(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\"\\\u2028\xff\ufffd")
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := written(t, text); got != want {
			t.Errorf("written %s, want %s", got, want)
		}
	})
}

func TestAWriterLeavesOutWhatIsZero(t *testing.T) {
	w := &writer{line: "\n"}
	w.open('{')
	w.text("a", "")
	w.flag("b", false)
	w.count("c", 0)
	w.rational("d", nil)
	w.list("e", nil)
	w.lists("f", nil)
	w.rational("g", new(big.Rat)) // a bound of zero is a bound
	w.rational("h", big.NewRat(1, 4))
	w.close('}')
	if got, want := string(w.b), "{\n  \"g\": 0,\n  \"h\": 0.25\n}"; got != want {
		t.Errorf("written %s, want %s", got, want)
	}
}
