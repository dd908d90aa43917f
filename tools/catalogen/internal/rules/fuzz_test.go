package rules

import (
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
)

// FuzzCheck puts schemas of all kinds into a document that is right else, and looks for one that no rule can stand, or that is
// refused without a word.
func FuzzCheck(f *testing.F) {
	const usual = `{"type": "string", "description": "Any.", "x-env": "A_SOURCE_ANY", "x-group": "Options"`
	for _, seed := range []string{
		usual + `}`, usual + `, "enum": ["a", null, 5, {}]}`, usual + `, "default": {"a": []}}`, usual + `, "items": {"type": "array", "items": {"type": "array"}}}`,
		usual + `, "$ref": "#"}`, usual + `, "$ref": "#/properties/any"}`, usual + `, "allOf": [{"$ref": "#/properties/any"}]}`, usual + `, "pattern": "(?=a)"}`,
		usual + `, "patternProperties": {"(": true}}`, usual + `, "minLength": 1e400, "maxLength": -1}`, usual + `, "$id": "file:///dev/zero", "$ref": "x"}`,
		usual + `, "writeOnly": true, "default": "secret"}`, `true`, `null`, `{"type": ["null", "array"], "items": false}`, `{"const": 1, "not": {}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, option []byte) {
		text := strings.Replace(fake.Metadata("a-source"), `"properties": {`, `"properties": {"any": `+string(option)+`, `, 1)
		document, published, err := probe.Decode([]byte(text))
		if err != nil {
			return
		}
		s, findings := Check(Subject{
			Folder: discover.Folder{Name: "a-source", Direction: metadata.Source}, Document: document, Text: []byte(text), Published: published,
		})
		if s.Compiled == nil && len(findings) == 0 {
			t.Error("refused without a word")
		}
		for _, found := range findings {
			if found.Connector != "a-source" || found.Rule == "" || found.Message == "" || found.Fix == "" {
				t.Errorf("a finding that helps nobody: %+v", found)
			}
		}
	})
}
