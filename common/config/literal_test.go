package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/config"
)

func TestParseLiteralTakesValuesAsTheyAre(t *testing.T) {
	text := "target: http://h/\nattempts: 3\nsecret: {token: '${env:TOKEN}', port: null}\nlist: [a, 1, true, null, {b: 2}]\nnone:\n"
	want := map[string]config.Value{
		"target":   {Any: "http://h/", Line: 1},
		"attempts": {Any: json.Number("3"), Line: 2},
		"secret":   {Any: map[string]any{"token": "${env:TOKEN}"}, Line: 3},
		"list":     {Any: []any{"a", json.Number("1"), true, map[string]any{"b": json.Number("2")}}, Line: 4},
	}
	got, err := config.ParseLiteral("config.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("values differ (-want +got):\n%s", d)
	}
	got, err = config.ParseLiteral("config.json", []byte(`{"a":{"b":[1.50]},"c":null}`))
	if d := cmp.Diff(map[string]config.Value{"a": {Any: map[string]any{"b": []any{json.Number("1.50")}}, Line: 1}}, got); d != "" || err != nil {
		t.Errorf("%v, values differ (-want +got):\n%s", err, d)
	}
}

func TestParseLiteralTellsEveryProblem(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"a list", "- a\n", []string{"f.yml:1:1: the file is a list and not a mapping"}},
		{"no YAML", "a: [", []string{"f.yml:1"}},
		{
			"keys given twice, and a number that is none", "a: 1\na: 2\nb: {c: 1, c: 2}\nd: 0x1f\n",
			[]string{"f.yml:2:1: a: the key stands in line 1 already", "f.yml:3:11: b.c:", "f.yml:4:4: d:"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.ParseLiteral("f.yml", []byte(tt.text))
			if err == nil {
				t.Fatal("there is no error")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("got %q", lines)
			}
			for i, part := range tt.want {
				if !strings.HasPrefix(lines[i], part) {
					t.Errorf("got %q, want %q", lines[i], part)
				}
			}
		})
	}
}
