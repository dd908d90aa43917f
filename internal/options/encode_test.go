package options

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/invopop/jsonschema"
)

func TestSchemasAreEncodedAsByTheirLibrary(t *testing.T) {
	m, _, _ := newKitchen(t)
	tests := []struct {
		name   string
		schema *jsonschema.Schema
	}{
		{"all kinds of options, draft-07", m.Schema(Draft07)},
		{"all kinds of options, 2020-12", m.Schema(Draft2020)},
		{"the empty schema", &jsonschema.Schema{}},
		{"false", jsonschema.FalseSchema},
		{"an extra keyword alone", &jsonschema.Schema{Extras: map[string]any{"x-b": 1, "x-a": "<>"}}},
		{"no keyword of options", &jsonschema.Schema{Type: "string", Format: "uri", Description: "<&>\u2028"}},
		{"a part with no keyword of options", &jsonschema.Schema{Not: &jsonschema.Schema{Const: 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, err := json.Marshal(tt.schema)
			if err != nil {
				t.Fatal(err)
			}
			got, err := EncodeSchema(tt.schema)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got  %s, %v\nwant %s", got, err, want)
			}
		})
	}
	if _, err := EncodeSchema(&jsonschema.Schema{Default: func() {}}); err == nil {
		t.Error("a default that cannot be written is no error")
	}
}
