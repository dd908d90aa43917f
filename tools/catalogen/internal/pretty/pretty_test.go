package pretty

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONKeepsOrderAndCharacters(t *testing.T) {
	got, err := JSON(map[string]any{"b": json.RawMessage(`{"z":1.50,"a":"<&>"}`), "a": []string{}})
	want := "{\n  \"a\": [],\n  \"b\": {\n    \"z\": 1.50,\n    \"a\": \"<&>\"\n  }\n}\n"
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if _, err := JSON(func() {}); err == nil {
		t.Error("a function was encoded")
	}
}

// What JSON writes itself is what encoding/json would write.
func TestJSONIsThatOfThePackage(t *testing.T) {
	type document struct {
		Name string          `json:"name"`
		Raw  json.RawMessage `json:"raw"`
		Tree map[string]any  `json:"tree"`
	}
	tree := map[string]any{
		"empty": map[string]any{}, "none": map[string]any(nil), "list": []any{}, "no list": []any(nil), "null": nil, "b": true, "n": json.Number("1.50"),
		"int": 5, "words": []string{"a", "b"}, "raw": json.RawMessage(` { "z" : [ ] , "a" : { } , "s" : "<\u00e9>" } `), "no raw": json.RawMessage(nil),
		"texts": []any{"", "plain", "<&>", "a\"b\\c", "line\nbreak\ttab\x00\x7f", "é日本\u2028", "bad\xff"}, "ké\"y": "x",
		"deep": []any{[]any{[]any{1, map[string]any{"z": 1, "a": []any{map[string]any{}}}}}},
	}
	for _, value := range []any{tree, []any{tree, 1}, document{"<n>", json.RawMessage(`{"a":[1,{}]}`), tree}, "text", nil, 5, []any{}, json.RawMessage(`[1]`)} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(value); err != nil {
			t.Fatal(err)
		}
		got, err := JSON(value)
		if diff := cmp.Diff(b.String(), string(got)); diff != "" || err != nil {
			t.Errorf("%v: %v\n%s", value, err, diff)
		}
	}
	for _, bad := range []any{map[string]any{"a": []any{func() {}}}, []any{json.RawMessage(`{`)}, json.RawMessage(``)} {
		if _, err := JSON(bad); err == nil {
			t.Errorf("%v was encoded", bad)
		}
	}
}
