package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// world is an Env with two variables and two files.
func world() Env {
	variables := map[string]string{"TOKEN": "tok3n", "EMPTY": "", "TRICKY": "${env:TOKEN}", "BAD": "\xff"}
	files := map[string]string{
		"dir/secret.txt": "s3cr3t\n", "dir/crlf.txt": "a\n\r\n", "/abs/key.pem": "-----\nx\n\n", "dir/bad": "\xff",
		"dir/big": strings.Repeat("x", MaxBytes+1),
	}
	return Env{
		LookupEnv: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
		ReadFile: func(path string) ([]byte, error) {
			v, ok := files[filepath.ToSlash(path)]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return []byte(v), nil
		},
	}
}

func TestParseReadsEveryKey(t *testing.T) {
	yaml := `# a comment
name: prices
type: http-source
version: "0.1.0"
topic: prices
parameters:
  endpoint: https://example.com/?a=b
  max_records: 10
  full-response: true
  headers: {Accept: [a, b], X: y}
secrets:
  auth_token: hunter2
transforms:
  - map: .price
  - filter: >-
      . > 1 and
      . < 5
  - arraymap: .[]
  - uses: x.wasm
    with: {level: 3, deep: {on: [yes]}}
    lookback: {last: 5, age: 1h}
    initial: {sum: 7}
`
	jsonText := `{
"name": "prices", "type": "http-source",

"version": "0.1.0",
"topic": "prices",
"parameters": {
  "endpoint": "https:\/\/example.com/?a=b",
  "max_records": 10,
  "full-response": true,
  "headers": {"Accept": ["a", "b"], "X": "y"}},
"secrets": {
  "auth_token": "hunter2"},
"transforms": [
  {"map": ".price"},
  {"filter": ". > 1 and . < 5"},


  {"arraymap": ".[]"},
  {"uses": "x.wasm",
    "with": {"level": 3, "deep": {"on": ["yes"]}},
    "lookback": {"last": 5, "age": "1h"}, "initial": {"sum": 7}}]
}`
	want := &File{
		Name: &Value{Any: "prices", Line: 2}, Type: &Value{Any: "http-source", Line: 3},
		Version: &Value{Any: "0.1.0", Line: 4}, Topic: &Value{Any: "prices", Line: 5},
		Parameters: map[string]Value{
			"endpoint":      {Any: "https://example.com/?a=b", Line: 7},
			"max-records":   {Any: json.Number("10"), Line: 8},
			"full-response": {Any: true, Line: 9},
			"headers":       {Any: map[string]any{"Accept": []any{"a", "b"}, "X": "y"}, Line: 10},
			"auth-token":    {Any: "hunter2", Line: 12, Secret: true, Redact: true},
		},
		Transforms: []Transform{
			{Kind: "map", Text: ".price", Line: 14},
			{Kind: "filter", Text: ". > 1 and . < 5", Line: 15},
			{Kind: "arraymap", Text: ".[]", Line: 18},
			{
				Kind: "uses", Text: "x.wasm", Line: 19,
				With:     map[string]any{"level": json.Number("3"), "deep": map[string]any{"on": []any{"yes"}}},
				LookBack: &LookBack{Last: 5, Age: time.Hour}, Initial: map[string]any{"sum": json.Number("7")},
			},
		},
	}
	for _, tt := range []struct{ path, text string }{{"f.yaml", yaml}, {"f.json", jsonText}, {"noending", jsonText}} {
		t.Run(tt.path, func(t *testing.T) {
			got, err := Parse(tt.path, []byte(tt.text), world())
			if err != nil {
				t.Fatal(err)
			}
			want.Path = tt.path
			if tt.path != "f.yaml" { // the JSON text has name and type in one line, and one line less thereafter
				want.Type.Line = 2
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("File (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatCanBeReadIsThereBesideTheProblems(t *testing.T) {
	f, err := Parse("f.yaml", []byte("name: 1\ntopic: t\nparameters: {a: x, b: [~], c: '${env:NONE}'}\nsecrets: {b: y}\n"+
		"transforms: [{map: .}, {map: 1}, {filter: .}]\n"), world())
	var problems *Error
	if !errors.As(err, &problems) || len(problems.Problems) != 5 {
		t.Fatal(err)
	}
	if f.Topic.Any != "t" || f.Parameters["a"].Any != "x" {
		t.Errorf("lost what is right: %+v", f)
	}
	for key, v := range map[string]Value{"name": *f.Name, "b": f.Parameters["b"], "c": f.Parameters["c"]} {
		if v.Any != nil || v.Line == 0 {
			t.Errorf("%s, which cannot be used, is %+v", key, v)
		}
	}
	if len(f.Transforms) != 2 {
		t.Errorf("transforms = %+v", f.Transforms)
	}
	if f, err := Parse("f.yaml", []byte("a: ["), world()); f != nil || err == nil {
		t.Errorf("a file that is no YAML gives %+v, %v", f, err)
	}
}

func TestAbsentKeysAreNil(t *testing.T) {
	f, err := Parse("f.yaml", []byte("\ufefftopic: x\n"), Env{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != nil || f.Type != nil || f.Version != nil || f.Parameters == nil || len(f.Transforms) != 0 {
		t.Errorf("File = %+v", f)
	}
}

func TestScalars(t *testing.T) {
	const odd = "the number is not written as JSON writes numbers; write it in decimal, or quote it if it is text"
	tests := []struct {
		yaml string
		want any // a string that starts with "error: " is a message
	}{
		{"12", json.Number("12")},
		{"-0", json.Number("-0")},
		{"1.50", json.Number("1.50")},
		{"1e400", json.Number("1e400")},
		{"123456789012345678901234567890", json.Number("123456789012345678901234567890")},
		{`"12"`, "12"},
		{"'12'", "12"},
		{"!!str 12", "12"},
		{"!!str True", "True"},
		{"!!str ~", "~"},
		{"!!str 0x1F", "0x1F"},
		{"!!int \"12\"", json.Number("12")},
		{"!!float 12", json.Number("12")},
		{"!!bool \"true\"", true},
		{"!!seq [a]", []any{"a"}},
		{"!!map {a: b}", map[string]any{"a": "b"}},
		{"true", true},
		{"False", false},
		{"TRUE", true},
		{"tRue", "tRue"},
		{"yes", "yes"},
		{"on", "on"},
		{"2001-01-01", "2001-01-01"},
		{"12:30:45", "12:30:45"},
		{"1.2.3", "1.2.3"},
		{"0x", "0x"},
		{"plain\n    text", "plain text"},
		{"|\n    a\n    b\n", "a\nb\n"},
		{`"a\tb\u00e9"`, "a\tbé"},
		{"[]", []any{}},
		{"{}", map[string]any{}},
		{"{404: x, true: y}", map[string]any{"404": "x", "true": "y"}},
		{`""`, ""},
		{"0x1F", "error: " + odd},
		{"0o17", "error: " + odd},
		{"017", "error: " + odd},
		{"0b11", "error: " + odd},
		{"1_000", "error: " + odd},
		{"+1", "error: " + odd},
		{".5", "error: " + odd},
		{"5.", "error: " + odd},
		{".inf", "error: " + odd},
		{"-.INF", "error: " + odd},
		{".nan", "error: " + odd},
		{"~", "error: the value is null; leave the key out"},
		{"Null", "error: the value is null; leave the key out"},
		{"", "error: the value is null; leave the key out"},
		{"[a, ~]", "error: the value is null; leave the key out"},
		{"!!int 1.5", "error: the value does not fit its tag; remove the tag"},
		{"!!int abc", "error: the value does not fit its tag; remove the tag"},
		{"!!seq {a: b}", "error: the file is not valid YAML: value is not allowed in this context"},
		{"!!str [a]", "error: the file is not valid YAML: unexpected scalar value type"},
		{"!!null ~", "error: the value is null; leave the key out"},
		{"!!binary aGk=", "error: tags outside YAML's core schema are not read; remove the tag"},
		{"!secret abc", "error: tags outside YAML's core schema are not read; remove the tag"},
		{
			"{<<: {a: b}}",
			"error: merge keys (<<) are not YAML 1.2; write the keys out, or use an alias for the whole value",
		},
		{"{&a x: b}", "error: a key must be plain or quoted text; write it without tag, anchor, alias or brackets"},
		{"{? [a] : b}", "error: the file is not valid YAML: found an invalid key for this map"},
	}
	for _, tt := range tests {
		t.Run(tt.yaml, func(t *testing.T) {
			f, err := Parse("f.yaml", []byte("parameters:\n  v: "+tt.yaml+"\n"), Env{})
			want, _ := tt.want.(string)
			if message, ok := strings.CutPrefix(want, "error: "); ok {
				if err == nil || !strings.HasSuffix(err.Error(), message) {
					t.Fatalf("error = %v, want one that ends in %q", err, message)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, f.Parameters["v"].Any); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       Value
	}{
		{"takes a variable", "v: ${env:TOKEN}", Value{Any: "tok3n", Reference: true, Redact: true}},
		{"takes an empty variable", "v: ${env:EMPTY}", Value{Any: "", Reference: true, Redact: true}},
		{
			"takes a relative file without its last newline", "v: ${file:secret.txt}",
			Value{Any: "s3cr3t", Reference: true, Redact: true},
		},
		{"takes one newline only", "v: ${file:/abs/key.pem}", Value{Any: "-----\nx\n", Reference: true, Redact: true}},
		{"counts CR LF as one newline", "v: ${file:crlf.txt}", Value{Any: "a\n", Reference: true, Redact: true}},
		{"does not expand what it took", "v: ${env:TRICKY}", Value{Any: "${env:TOKEN}", Reference: true, Redact: true}},
		{"works inside a list", "v: [a, '${env:TOKEN}']", Value{Any: []any{"a", "tok3n"}, Redact: true}},
		{"works inside a mapping", "v: {a: '${env:TOKEN}'}", Value{Any: map[string]any{"a": "tok3n"}, Redact: true}},
		{"leaves keys alone", "v: {'${env:TOKEN}': '$${a'}", Value{Any: map[string]any{"${env:TOKEN}": "${a"}}},
		{"unescapes anywhere", "v: a $${env:TOKEN} $${b}", Value{Any: "a ${env:TOKEN} ${b}"}},
		{"unescapes from left to right", "v: $$$${x", Value{Any: "$$${x"}},
		{"keeps other braces", "v: ${HOME} $ {a} $$", Value{Any: "${HOME} $ {a} $$"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("dir/f.yaml", []byte("parameters:\n  "+tt.yaml+"\n"), world())
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Line = 2
			if diff := cmp.Diff(tt.want, f.Parameters["v"]); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferencesServeWordsAndTransforms(t *testing.T) {
	f, err := Parse("dir/f.yaml", []byte("name: ${env:TOKEN}\ntransforms:\n- map: ${file:secret.txt}\n"+
		"- uses: a.wasm\n  with: {k: '${env:TOKEN}'}\n- filter: .\n"), world())
	if err != nil {
		t.Fatal(err)
	}
	want := []Transform{
		{Kind: "map", Text: "s3cr3t", Line: 3, Redact: true},
		{Kind: "uses", Text: "a.wasm", With: map[string]any{"k": "tok3n"}, Line: 4, Redact: true},
		{Kind: "filter", Text: ".", Line: 6},
	}
	if diff := cmp.Diff(want, f.Transforms); diff != "" || f.Name.Any != "tok3n" || !f.Name.Reference {
		t.Errorf("name %+v, transforms (-want +got):\n%s", f.Name, diff)
	}
}

func TestAReferenceIsResolvedOnce(t *testing.T) {
	calls := 0
	env := Env{LookupEnv: func(string) (string, bool) { calls++; return fmt.Sprint(calls), true }}
	f, err := Parse("f.yaml", []byte("parameters: {a: '${env:X}', b: '${env:X}'}"), env)
	if err != nil {
		t.Fatal(err)
	}
	if f.Parameters["a"].Any != "1" || f.Parameters["b"].Any != "1" {
		t.Errorf("parameters = %v after %d calls", f.Parameters, calls)
	}
}

func TestAliases(t *testing.T) {
	f, err := Parse("f.yaml", []byte("parameters:\n  a: &x [1, {k: v}]\n  b: *x\n  c: {in: *x}\n"), Env{})
	if err != nil {
		t.Fatal(err)
	}
	list := []any{json.Number("1"), map[string]any{"k": "v"}}
	want := map[string]Value{
		"a": {Any: list, Line: 2}, "b": {Any: list, Line: 3}, "c": {Any: map[string]any{"in": list}, Line: 4},
	}
	if diff := cmp.Diff(want, f.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestReadTakesTheRealWorld(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATCHBAY_CONFIG_TEST", "from env")
	path := filepath.Join(dir, "f.yaml")
	writeFile(t, path, "parameters: {a: '${env:PATCHBAY_CONFIG_TEST}', b: '${file:b.txt}'}")
	writeFile(t, filepath.Join(dir, "b.txt"), "from file\n")
	f, err := Read(path, Env{})
	if err != nil {
		t.Fatal(err)
	}
	if f.Parameters["a"].Any != "from env" || f.Parameters["b"].Any != "from file" {
		t.Errorf("parameters = %v", f.Parameters)
	}
	_, err = Read(filepath.Join(dir, "nope.yaml"), Env{})
	var e *Error
	if !errors.As(err, &e) || err.Error() != filepath.Join(dir, "nope.yaml")+": cannot be read: no such file or directory" {
		t.Errorf("error = %v", err)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
