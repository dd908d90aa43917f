package userconfig_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/userconfig"
)

func TestFormerNamesAreKnown(t *testing.T) {
	doc := metadata.Document{Name: "a-source", Schema: json.RawMessage(`{"type": "object", "properties": {
		"endpoint": {"type": "string", "pattern": "^https?://", "x-aliases": ["base-url"], "x-env": "A_SOURCE_ENDPOINT"},
		"token": {"type": "string", "maxLength": 3, "writeOnly": true, "x-aliases": ["api-key"]}, "topic": {"type": "string"}},
		"patternProperties": {"^base-url$": {"$ref": "#/properties/endpoint"}, "^api-key$": {"$ref": "#/properties/token"}},
		"allOf": [{"oneOf": [{"required": ["endpoint"]}, {"required": ["base-url"]}]}, {"not": {"required": ["token", "api-key"]}}],
		"required": ["topic"], "additionalProperties": false}`)}
	for text, want := range map[string][]string{
		"topic: t\nparameters: {endpoint: http://a}\n":                        nil,
		"topic: t\nparameters: {base_url: http://a}\n":                        nil,
		"topic: t\nparameters: {base-url: '${env:URL}'}\n":                    nil,
		"topic: t\nparameters: {base-url: ftp://a}\n":                         {"f.yaml:2: base-url: 'ftp://a' does not match pattern '^https?://'"},
		"topic: t\nparameters:\n  base-url: http://a\n  endpoint: http://a\n": {"f.yaml:4: endpoint: the option is given by another name, too; keep endpoint"},
		"topic: t\nparameters: {base-url: http://a, api-key: canary}\n":       {"f.yaml:2: api-key: the value is not accepted"},
		"topic: t\n": {"f.yaml: endpoint: is required; add it under parameters, or give --endpoint or $A_SOURCE_ENDPOINT at the start"},
	} {
		file, err := userconfig.Parse("f.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		problems, err := userconfig.Check(file, doc)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range problems {
			got = append(got, p.Error())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}
