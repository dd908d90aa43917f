package transform

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// reference is what encoding/json makes of text.
func reference(text string) (any, bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	return v, true
}

// nested is an array depth levels deep.
func nested(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

var jsonTexts = []string{
	// Accepted.
	`{}`, `[]`, `""`, `0`, `-0`, `-1.50e+07`, `1E5`, `0.1`, `12345678901234567890`, `true`, `false`, `null`,
	" \t\r\n[ 1 , 2 ] \n",
	`{"a":{"b":[{},[],"c",null,true]}}`, `{"a":1,"a":2}`, `{"":""}`, `"é\u00e9\n\"\\\/\b\f\r\t"`,
	`"\ud83d\ude00"`, `"\ud800"`, `"\ud800x\udc00"`,
	"\"\u007f\u2028\"", `{"\u0061":1}`, nested(maxDepth),
	// Refused.
	``, ` `, `{`, `[`, `"`, `"\`, `"\"`, `"\q"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"\\\n\"", "\"\\n\x00\"",
	`{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`,
	`{"a" 1}`, `{"a":1 "b"}`, `{1:2}`, `[1,]`, `[,]`, `[1 2]`, `]`, `}`, `01`, `-`, `-a`, `+1`, `.5`, `1.`,
	`1.e1`, `1e`, `1e+`, `0x1`, `1_0`, `NaN`, `tru`,
	`truex`, `nul`, `fals`, `True`, `1 2`, `{}{}`, `[]x`, "\ufeff1", "\u00a01", nested(maxDepth + 1),
}

func TestParseAgreesWithEncodingJSON(t *testing.T) {
	for _, text := range jsonTexts {
		compareWithReference(t, text)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) {
			compareWithReference(t, text)
		}
	})
}

func compareWithReference(t *testing.T, text string) {
	t.Helper()
	want, wantOK := reference(text)
	got, ok := parse(text)
	if ok != wantOK {
		t.Errorf("%.80q: accepted is %t, want %t", text, ok, wantOK)
	} else if ok && len(text) < maxDepth && !cmp.Equal(want, got) {
		t.Errorf("%.80q (-want +got):\n%s", text, cmp.Diff(want, got))
	}
}
