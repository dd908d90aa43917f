package probe

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// FuzzDecode looks for documents that are accepted and come out as something else, or as what is not for showing.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		fake.Metadata("a-source"), `{"direction":"Source","a":{"direction":"Source"}}`, `{"version":"1","verſion":"2"}`, `{"\u212aey":1}`,
		`null`, `[]`, `{"schema":null}`, `{"description":"\ud800"}`, `{"a":1e9999}`, "\xef\xbb\xbf{}", `{"commands":[null]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, output []byte) {
		doc, text, err := Decode(output)
		if err != nil {
			if said := err.Error(); !utf8.ValidString(said) || strings.ContainsFunc(said, finding.Unprintable) {
				t.Errorf("the error shows what it refuses: %q", said)
			}
			return
		}
		if !utf8.Valid(text) || bytes.ContainsFunc(text, finding.Unprintable) {
			t.Errorf("%q", text)
		}
		again, same, err := Decode(text)
		if err != nil || !bytes.Equal(text, same) {
			t.Errorf("read again: %q, %v; was %q", same, err, text)
		}
		one, err1 := json.Marshal(doc)
		two, err2 := json.Marshal(again)
		if err1 != nil || err2 != nil || !bytes.Equal(one, two) {
			t.Errorf("%s, %v; %s, %v", one, err1, two, err2)
		}
	})
}
