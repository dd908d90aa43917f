package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string // part of the error; empty for none
	}{
		{"accepts a document", `{"a": [1, "é\n\t", null, {"b": true}], "c": "日本"}`, ""},
		{"accepts a scalar", ` 5 `, ""},
		{"refuses nothing", " \n", "is empty"},
		{"refuses text", "hello", "is not JSON"},
		{"refuses half a document", `{"a": [1`, "ends too early"},
		{"accepts emptiness and space", " { \"a\" : [ ] ,\r\n\t\"b\":{ } , \"c\" : -1.5e+3 } ", ""},
		{"accepts escapes", `{"a\"": "\\", "b": "\u00e9\/"}`, ""},
		{"refuses a comma too many", `[1, 2,]`, "invalid character ']'"},
		{"refuses a comma before a brace", `{"a": 1,}`, "invalid character '}'"},
		{"refuses a comma alone", `[,]`, "invalid character ','"},
		{"refuses a missing comma", `[1 2]`, "invalid character '2' after array element"},
		{"refuses a missing colon", `{"a" 1}`, "invalid character '1' after object key"},
		{"refuses a missing value", `{"a": }`, "invalid character '}'"},
		{"refuses a key that is no string", `{1: 2}`, "invalid character '1'"},
		{"refuses another bracket", `{"a": [1}}`, "/a: is not JSON: invalid character '}'"},
		{"refuses a string without an end", `{"a": "b`, "/a: is not JSON: ends too early"},
		{"refuses an escape without an end", `["\`, "ends too early"},
		{"refuses an escape that there is none", `["\x"]`, "invalid character 'x' in string escape"},
		{"refuses a bare line break in a string", "[\"a\nb\"]", "in string literal"},
		{"refuses a leading zero", `[01]`, "invalid character '1'"},
		{"refuses a point without digits", `[1.]`, "/0: is not JSON"},
		{"refuses half a word", `[nul]`, "/0: is not JSON"},
		{"refuses a word that only begins well", `[truefalse]`, "/0: is not JSON"},
		{"refuses an object without an end", `{"a": 1`, "ends too early"},
		{"refuses a key without an end", `{"a": 1, `, "ends too early"},
		{"tells the place in a list", `{"a": [0, {"b": "\u0000"}]}`, "/a/1/b: holds"},
		{"goes on after a value that was well", `{"a": {"b": [1]}, "c": "\u0000"}`, "/c: holds"},
		{"refuses a second document", `{} {}`, "something follows"},
		{"refuses text behind it", `{}x`, "something follows"},
		{"refuses a key twice", `{"a": {"b": 1, "b": 2}}`, `/a: key "b" repeats "b"`},
		{"refuses a key in another case", `{"name": 1, "NAME": 2}`, `key "NAME" repeats "name"`},
		{"refuses a key in another form", `{"version": 1, "verſion": 2}`, `key "verſion" repeats "version"`},
		{"refuses bytes that are no UTF-8", "{\"a\": \"\xff\"}", "not valid UTF-8"},
		{"refuses half a surrogate pair", `{"a": "\ud800"}`, "U+FFFD"},
		{"refuses a terminal escape", `{"a": "\u001b[2J"}`, "/a: holds the character U+001B"},
		{"refuses a carriage return", `{"a": "b\rc"}`, "U+000D"},
		{"refuses a text-direction override", `{"a": "\u202e"}`, "U+202E"},
		{"refuses a C1 control", `{"a": "\u009b"}`, "U+009B"},
		{"refuses a control in a key", `{"a\u0000": 1}`, "U+0000"},
		{"accepts large numbers", `[1e400, -1E-400, 12345678901234567890.5]`, ""},
		{"refuses an endless number", `{"a": 1e1000000000}`, "/a: holds a number"},
		{"refuses an endless fraction", `{"a": 1e-1000000000}`, "/a: holds a number"},
		{"refuses an exponent that no number holds", `{"a": 1e99999999999999999999}`, "/a: holds a number"},
		{"refuses endless digits", strings.Repeat("1", 500), "holds a number"},
		{"accepts depth at the limit", strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), ""},
		{"refuses depth beyond it", strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), "nested deeper"},
		{"refuses depth without an end", strings.Repeat(`{"a":`, 100_000), "nested deeper"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Check([]byte(tt.text))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("Check = %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("Check = %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzCheck holds what Check accepts against encoding/json, which must accept it too and print it without controls.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"a": 1}`, `[]`, `"x"`, `[-1.5e+3, true, "\"\\"]`, `{"a": {"A": 1}}`, `{"a": "\u202e"}`, `1 2`, `{"a": 1, "a": 2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if Check(text) != nil {
			return
		}
		var value any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := errors.Join(json.Unmarshal(text, new(json.RawMessage)), d.Decode(&value)); err != nil {
			t.Fatalf("Check accepts what encoding/json does not: %v", err)
		}
		out, err := json.Marshal(value)
		if err != nil || bytes.ContainsRune(out, 0x1b) {
			t.Fatalf("%q, %v", out, err)
		}
	})
}
