package transform

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/record"
)

// readFiles is a ReadFile over a map.
func readFiles(files map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
}

func TestCompileErrors(t *testing.T) {
	files := map[string]string{
		"bad.jq":   "# shape\n{\n  a: .x y\n}\n",
		"name.jq":  ".a |\n  foo",
		"empty.jq": "# nothing yet\n",
	}
	tests := []struct {
		name string
		step Step
		want string
	}{
		{"an expression that ends early", Step{Kind: Map, Expr: ".a | "}, `--map: .a | : unexpected end of expression at column 6`},
		{"a token in the wrong place", Step{Kind: Filter, Expr: ".a }"}, `--filter: .a }: unexpected token "}" at column 4`},
		{"columns count characters", Step{Kind: Map, Expr: `"é" }`}, `--map: "é" }: unexpected token "}" at column 5`},
		{"a longer token", Step{Kind: Map, Expr: "{a: .b cd}"}, `--map: {a: .b cd}: unexpected token "cd" at column 8`},
		{"a string without end", Step{Kind: Map, Expr: `"abc`}, `--map: "abc: unterminated string literal at column 5`},
		{
			"a wrong escape",
			Step{Kind: Map, Expr: `"a\qb"`},
			`--map: "a\qb": invalid escape sequence "\q" in string literal at column 3`,
		},
		{"a number that is none", Step{Kind: Map, Expr: `1a`}, `--map: 1a: invalid token "1a" at column 1`},
		{
			"the line that is wrong",
			Step{Kind: Map, Expr: ".a |\n  .b .c d"},
			`--map:   .b .c d: unexpected token "d" at line 2, column 9`,
		},
		{"an unknown function", Step{Kind: Map, Expr: ".foo | foo"}, `--map: .foo | foo: function not defined: foo/0 at column 8`},
		{"an unknown function in two places", Step{Kind: Map, Expr: "foo | foo"}, `--map: foo | foo: function not defined: foo/0`},
		{
			"the wrong number of arguments",
			Step{Kind: Map, Expr: "length(1)"},
			`--map: length(1): function not defined: length/1 at column 1`,
		},
		{"an unknown variable", Step{Kind: Map, Expr: "[$keys]"}, `--map: [$keys]: variable not defined: $keys at column 2`},
		{"an unknown label", Step{Kind: Map, Expr: "1, break $x"}, `--map: 1, break $x: label not defined: $x at column 10`},
		{
			"input",
			Step{Kind: Map, Expr: "[., input]"},
			`--map: [., input]: input and inputs are not available: every record is transformed on its own at column 5`,
		},
		{
			"inputs",
			Step{Kind: Map, Expr: "inputs"},
			`--map: inputs: input and inputs are not available: every record is transformed on its own at column 1`,
		},
		{"debug", Step{Kind: Map, Expr: "debug"}, `--map: debug: function not defined: debug/0 at column 1`},
		{"stderr", Step{Kind: Map, Expr: "stderr"}, `--map: stderr: function not defined: stderr/0 at column 1`},
		{
			"input_filename",
			Step{Kind: Map, Expr: "input_filename"},
			`--map: input_filename: function not defined: input_filename/0 at column 1`,
		},
		{
			"import",
			Step{Kind: Map, Expr: `import "m" as m; m::f`},
			`--map: import "m" as m; m::f: modules cannot be loaded; put the definitions before the expression`,
		},
		{
			"include",
			Step{Kind: Map, Expr: `include "m"; f`},
			`--map: include "m"; f: modules cannot be loaded; put the definitions before the expression`,
		},
		{"nothing", Step{Kind: Map, Expr: ""}, `--map: there is no expression; write . for the payload as it is`},
		{"blanks", Step{Kind: Filter, Expr: " \n"}, `--filter: there is no expression; write . for the payload as it is`},
		{
			"definitions only",
			Step{Kind: Map, Expr: "def f: 1;"},
			`--map: def f: 1;: there is no expression; write . for the payload as it is`,
		},
		{"a file", Step{Kind: Map, Expr: "@bad.jq"}, `--map: bad.jq:3:9: unexpected token "y"`},
		{
			"a file with an unknown name",
			Step{Kind: ArrayMap, Expr: "@name.jq"},
			`--arraymap: name.jq:2:3: function not defined: foo/0`,
		},
		{
			"a file without an expression",
			Step{Kind: Map, Expr: "@empty.jq"},
			`--map: empty.jq: there is no expression; write . for the payload as it is`,
		},
		{"a file that does not exist", Step{Kind: Map, Expr: "@gone.jq"}, `--map: gone.jq: file does not exist`},
		{
			"a jq format taken for a file",
			Step{Kind: Map, Expr: "@base64"},
			`--map: base64: file does not exist (@ names a file; for the jq format write . | @base64)`,
		},
		{
			"a jq format with a string",
			Step{Kind: Map, Expr: `@uri "a\(.)"`},
			`--map: uri "a\(.)": file does not exist (@ names a file; for the jq format write . | @uri "a\(.)")`,
		},
		{"no file name", Step{Kind: Map, Expr: "@"}, `--map: @: no file name after @`},
		{
			"a SmartModule",
			Step{Kind: Filter, Expr: "filters/spam.wasm"},
			`--filter: filters/spam.wasm: file does not exist`,
		},
		{
			"a SmartModule by @",
			Step{Kind: Map, Expr: "@a.wasm"},
			`--map: a.wasm: file does not exist`,
		},
		{
			"a field called wasm",
			Step{Kind: Map, Expr: ".a.wasm"},
			`--map: .a.wasm: file does not exist (what ends in .wasm is the file of a SmartModule; for the field of that name ` +
				`write .["wasm"])`,
		},
		{
			"uses without a SmartModule",
			Step{Kind: Uses, Expr: ".a"},
			`--uses: .a: uses names the file of a SmartModule, which ends in .wasm`,
		},
		{
			"a kind that does not exist",
			Step{Kind: "mapp", Expr: "."},
			`--mapp: .: no such kind of step: use map, filter, arraymap or uses`,
		},
		{
			"a long expression is cut",
			Step{Kind: Map, Expr: strings.Repeat("x|", 200) + "}"},
			`--map: ` + strings.Repeat("x|", 50) + `…: unexpected token "}" at column 401`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Compile([]Step{tt.step}, Options{ReadFile: readFiles(files)})
			if err == nil {
				t.Fatalf("no error, chain of %d", c.Len())
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompileListsEveryBadStep(t *testing.T) {
	steps := []Step{{Kind: Map, Expr: "."}, {Kind: Filter, Expr: ".a ]"}, {Kind: Map, Expr: "@x.jq"}, {Kind: ArrayMap, Expr: "nope"}}
	_, err := Compile(steps, Options{ReadFile: readFiles(map[string]string{"x.jq": "\n  }"})})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("error is %T, want several", err)
	}
	var got []SyntaxError
	for _, err := range joined.Unwrap() {
		syntax, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			t.Fatalf("error is %T, want *SyntaxError", err)
		}
		e := *syntax
		e.source = ""
		got = append(got, e)
	}
	want := []SyntaxError{
		{Index: 1, Kind: Filter, Expr: ".a ]", Line: 1, Column: 4, Reason: `unexpected token "]"`},
		{Index: 2, Kind: Map, Expr: "@x.jq", File: "x.jq", Line: 2, Column: 3, Reason: `unexpected token "}"`},
		{Index: 3, Kind: ArrayMap, Expr: "nope", Line: 1, Column: 1, Reason: `function not defined: nope/0`},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(SyntaxError{})); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestCompileReadsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shape.jq")
	if err := os.WriteFile(path, []byte("# the shape\ndef double: . * 2;\n{a: (.x | double)}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Compile([]Step{{Kind: Map, Expr: "@" + path}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	got, err := c.Apply(t.Context(), record.Record{Value: []byte(`{"x":21}`)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`{"a":42}`}, values(got)); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
}

func TestCompileReportsAFailedRead(t *testing.T) {
	failing := func(string) ([]byte, error) { return nil, fmt.Errorf("the disk\nis gone") }
	_, err := Compile([]Step{{Kind: Map, Expr: "@x.jq"}}, Options{ReadFile: failing})
	if want := "--map: x.jq: the disk is gone"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestCompileWithoutSteps(t *testing.T) {
	c, err := Compile(nil, Options{})
	if err != nil || c.Len() != 0 {
		t.Errorf("chain of %d, error %v; want an empty chain", c.Len(), err)
	}
}
