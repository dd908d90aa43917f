package pretty

import (
	"encoding/json"
	"testing"
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
