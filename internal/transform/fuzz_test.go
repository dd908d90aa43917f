package transform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
)

func FuzzCompile(f *testing.F) {
	for _, expr := range []string{
		".", ".a | ", `"\(1 +)"`, "@x.jq", "x.wasm", "def f: 1;", `import "a" as a; .`, "$foo | foo",
		"reduce .[] as [$a] (0; . + $a)",
		"\xff", "é }", ".a?//\n b", `{"a": 1, $key, (.b): @json "x\(.)"}`, "label $x | break $y",
		". as [$a] ?// $a | input",
	} {
		f.Add("map", expr)
	}
	f.Fuzz(func(t *testing.T, kind, expr string) {
		c, err := Compile([]Step{{Kind: Kind(kind), Expr: expr}}, Options{ReadFile: readFiles(nil)})
		if err == nil {
			if c.Len() != 1 {
				t.Errorf("a chain of %d without an error", c.Len())
			}
			return
		}
		syntax, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			t.Fatalf("error is %T", err)
		}
		if (syntax.Line == 0) != (syntax.Column == 0) || syntax.Line < 0 || syntax.Column < 0 {
			t.Errorf("position %d:%d", syntax.Line, syntax.Column)
		}
	})
}

func FuzzApply(f *testing.F) {
	for _, payload := range []string{
		``, ` `, `null`, `{"a":[1,2.50,{"b":"é"}]}`, `[[1,2],[3]]`, `"\ud800"`, "\xff", `1 2`, `{"a":`,
		`12345678901234567890`, `-0`, `1e999`,
		`{"a":1,"a":2}`, "text\nof lines",
	} {
		f.Add([]byte(payload), "key", false)
	}
	filters := mustCompile(f, Step{Kind: Filter, Expr: `true`}, Step{Kind: Filter, Expr: `[.. | numbers | . + 1] | length >= 0`},
		Step{Kind: Filter, Expr: `$key != "no"`})
	changing := [][]Step{
		{{Kind: Map, Expr: "."}},
		{{Kind: Map, Expr: "tojson | fromjson"}},
		{{Kind: Map, Expr: `[.. | numbers | [-., . * 2, abs, floor]]`}},
		{{Kind: Map, Expr: "{$key, $headers, v: .}"}},
		{{Kind: Map, Expr: ".a |= . + 1"}},
		{{Kind: Map, Expr: "to_entries | sort"}},
		{{Kind: ArrayMap, Expr: "."}},
		{{Kind: ArrayMap, Expr: ".[]?"}, {Kind: Filter, Expr: "."}, {Kind: Map, Expr: "[., $time]"}},
	}
	chains := make([]*Chain, len(changing))
	for i, steps := range changing {
		chains[i] = mustCompile(f, steps...)
	}
	f.Fuzz(func(t *testing.T, payload []byte, key string, tombstone bool) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		rec := record.Record{ID: "i", Key: key, Headers: map[string]string{key: key}, Value: payload}
		if tombstone {
			rec.Op = record.Delete
		}
		before := bytes.Clone(payload)
		if kept, err := filters.Apply(ctx, rec); err == nil && len(kept) > 0 && !bytes.Equal(kept[0].Value, before) {
			t.Errorf("filters made %q of %q", kept[0].Value, before)
		}
		for i, c := range chains {
			out, err := c.Apply(ctx, rec)
			if err != nil {
				if text := err.Error(); strings.Contains(text, "\n") || len(text) > maxReason+50 {
					t.Errorf("%v: message %q", changing[i], text)
				}
				continue
			}
			for _, r := range out {
				if !json.Valid(r.Value) && !(tombstone && len(r.Value) == 0) {
					t.Errorf("%v made %q, which is no JSON, of %q", changing[i], r.Value, payload)
				}
			}
		}
		if !bytes.Equal(payload, before) {
			t.Errorf("the payload itself became %q", payload)
		}
	})
}
