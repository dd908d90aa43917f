package options

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func schemaJSON(t testing.TB, draft string) []byte {
	m, _, _ := newKitchen(t)
	return append(m.Schema(draft, ""), '\n')
}

func compileSchema(t testing.TB, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:schema", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:schema")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaGolden(t *testing.T) {
	for draft, name := range map[string]string{Draft07: "kitchen.draft-07.json", Draft2020: "kitchen.2020-12.json"} {
		path := filepath.Join("testdata", name)
		got := schemaJSON(t, draft)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("%s differs from the schema; if that is meant, run go test ./internal/options -update", path)
		}
	}
}

// agree fails when schema and parser disagree about a document.
func agree(t interface {
	Fatalf(string, ...any)
	Helper()
}, m *Model, schemas []*jsonschema.Schema, doc string,
) bool {
	t.Helper()
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	decoder := json.NewDecoder(strings.NewReader(doc))
	decoder.UseNumber()
	var flat map[string]any
	if err := decoder.Decode(&flat); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	_, problems := m.Document(flat)
	for _, s := range schemas {
		refusal := s.Validate(instance)
		if (refusal == nil) != (len(problems) == 0) {
			t.Fatalf("schema and parser disagree about %s:\nschema: %v\nparser: %v", doc, refusal, problems)
		}
	}
	return len(problems) == 0
}

// values are accepted (true) or refused (false) for an option.
var values = map[string]map[string]bool{
	"interval": {
		`"0"`: false, `"0s"`: false, `"1.5s"`: true, `"10µs"`: true, `"-1h"`: false, `"3d"`: false, `"abc"`: false, `""`: false,
		`".5s"`: true, `"1.s"`: true, `"1h30m"`: true, `"1h 30m"`: false, `"+1s"`: false, `"1"`: false, `10`: false, `"99999h"`: true,
		`"999999h"`: false, `"0.0000000001s"`: false, `"1ns"`: true, `"0.1ns"`: false, `null`: false, `"0h0.001ms"`: true,
	},
	"offset":   {`"0"`: true, `"-0"`: true, `"-1h"`: true, `"--1h"`: false, `"-"`: false, `"1m1m"`: true},
	"wait":     {`"0"`: true, `"0s"`: true, `"-1s"`: false, `"1us"`: true},
	"buffer":   {`"64KiB"`: true, `"64kb"`: false, `"1.5MiB"`: false, `"0"`: true, `64`: false, `"999999TiB"`: true, `"1000000TiB"`: false, `"1KB"`: true, `"B"`: false, `"1 KiB"`: false},
	"window":   {`"0"`: false, `"0B"`: false, `"00KiB"`: false, `"1"`: true, `"010MB"`: true, `"-1"`: false, `""`: false},
	"method":   {`"GET"`: true, `"get"`: false, `""`: false, `"POST "`: false},
	"level":    {`1`: true, `1.0`: true, `4`: false, `"1"`: false},
	"retries":  {`0`: true, `9`: true, `10`: false, `-1`: false, `1.0`: true, `1e0`: true, `9e-1`: false, `1.5`: false, `"3"`: false, `true`: false, `1e99`: false, `10000000000000000000000`: false},
	"ratio":    {`0`: true, `1`: true, `1.0001`: false, `1e-3`: true, `"0.5"`: false},
	"gzip":     {`true`: true, `"true"`: false, `1`: false, `null`: false},
	"header":   {`["A: b"]`: true, `[]`: true, `["nope"]`: false, `"A: b"`: false, `["A: b", 1]`: false},
	"codes":    {`[200]`: true, `[99]`: false, `["200"]`: false, `[200.0]`: true, `[[200]]`: false},
	"labels":   {`{}`: true, `{"a":"b"}`: true, `{"a":1}`: false, `[]`: false},
	"endpoint": {`"https://example.com"`: true, `"http://example.com:8080/a?b=c#d"`: true, `"ftp://x"`: false, `"https://u:p@x"`: false, `"https://"`: false, `"https://a b"`: false, `"http://x/%zz"`: false, `"http://x/%20ü"`: true, `"HTTP://x"`: false, `""`: false, `"http://[::1]:80/"`: true, `"http://x:99999/"`: true},
	"keys":     {`["a"]`: true, `[1]`: false},
	"tls-ca":   {`""`: true, `"/x"`: true, `7`: false},
	"topic":    {`""`: false, `"x"`: true},
	"nonsense": {`1`: false},
}

func TestSchemaAndParserAgree(t *testing.T) {
	m, _, _ := newKitchen(t)
	schemas := []*jsonschema.Schema{compileSchema(t, schemaJSON(t, Draft07)), compileSchema(t, schemaJSON(t, Draft2020))}
	for option, cases := range values {
		for value, want := range cases {
			base := map[string]json.RawMessage{"topic": []byte(`"t"`), "endpoint": []byte(`"https://example.com"`)}
			base[option] = json.RawMessage(value)
			doc, err := json.Marshal(base)
			if err != nil {
				t.Fatal(err)
			}
			if got := agree(t, m, schemas, string(doc)); got != want {
				t.Errorf("%s = %s: accepted %t, want %t", option, value, got, want)
			}
		}
	}
	base := `"topic":"t","endpoint":"https://example.com"`
	for doc, want := range map[string]bool{
		`{}`: false, `{"topic":"t"}`: false, `{` + base + `}`: true,
		`{` + base + `,"token":"a","user":"u","password":"p"}`: false,
		`{` + base + `,"user":"u"}`:                            false,
		`{` + base + `,"password":"p"}`:                        false,
		`{` + base + `,"user":"u","password":"p"}`:             true,
		`{` + base + `,"user":"sechse","password":"p"}`:        false,
		`{` + base + `,"user":"üüüüü","password":"p"}`:         true,
	} {
		if got := agree(t, m, schemas, doc); got != want {
			t.Errorf("%s: accepted %t, want %t", doc, got, want)
		}
	}
}

func TestSchemaAndParserAgreeOnAnything(t *testing.T) {
	m, _, _ := newKitchen(t)
	schemas := []*jsonschema.Schema{compileSchema(t, schemaJSON(t, Draft07)), compileSchema(t, schemaJSON(t, Draft2020))}
	names := []string{"topic"}
	for _, o := range m.Options {
		names = append(names, o.Name)
	}
	alphabet := rapid.StringOfN(rapid.SampledFrom([]rune("0123456789.-+eEhmsunµBKMGTi:/%[]#? aé=,")), 0, 12, -1)
	value := rapid.OneOf(
		rapid.Map(alphabet, func(s string) any { return s }),
		rapid.Map(rapid.String(), func(s string) any { return strings.ToValidUTF8(s, "?") }),
		rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.SliceOf(alphabet), func(s []string) any { return s }),
		rapid.Map(rapid.SliceOf(rapid.IntRange(90, 700)), func(n []int) any { return n }),
	)
	rapid.Check(t, func(r *rapid.T) {
		doc := map[string]any{"topic": "t", "endpoint": "https://example.com"}
		doc[rapid.SampledFrom(names).Draw(r, "name")] = value.Draw(r, "value")
		data, err := json.Marshal(doc)
		if err != nil {
			r.Skip()
		}
		agree(r, m, schemas, string(data))
	})
}
