package transform

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/itchyny/gojq"

	"github.com/patchbay-dev/patchbay/common/record"
)

// benchPayload is a record of 300 bytes with the usual mixture of types.
var benchPayload = func() []byte {
	const head = `{"n":42,"x":1234567,"y":"a short string","id":"7f1c2a90-33d1-4c57-9a5e-0d4f2f3b6c11","price":19.95,` +
		`"active":true,"tags":["red","green","blue"],"at":"2026-03-04T05:06:07.089Z",` +
		`"owner":{"name":"Ada Lovelace","email":"ada@example.com"},"note":"`
	return fmt.Appendf(nil, "%s%0*d\"}", head, 300-len(head)-2, 0)
}()

var benchExpressions = []struct {
	kind Kind
	expr string
}{
	{Filter, ".n % 2 == 0"},
	{Map, "{a: .x, b: .y}"},
}

// BenchmarkApply is to be read beside BenchmarkBareLoop: what a program does that uses gojq directly.
func BenchmarkApply(b *testing.B) {
	for _, bb := range benchExpressions {
		b.Run(string(bb.kind), func(b *testing.B) {
			c, err := Compile([]Step{{Kind: bb.kind, Expr: bb.expr}}, Options{Topic: "t"})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			rec := record.Record{Value: benchPayload}
			b.SetBytes(int64(len(benchPayload)))
			b.ReportAllocs()
			for b.Loop() {
				if out, err := c.Apply(ctx, rec); err != nil || len(out) != 1 {
					b.Fatal(out, err)
				}
			}
		})
	}
}

func BenchmarkBareLoop(b *testing.B) {
	for _, bb := range benchExpressions {
		b.Run(string(bb.kind), func(b *testing.B) {
			query, err := gojq.Parse(bb.expr)
			if err != nil {
				b.Fatal(err)
			}
			code, err := gojq.Compile(query)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(benchPayload)))
			b.ReportAllocs()
			for b.Loop() {
				var in any
				if err := json.Unmarshal(benchPayload, &in); err != nil {
					b.Fatal(err)
				}
				outputs := code.Run(in)
				for v, ok := outputs.Next(); ok; v, ok = outputs.Next() {
					if err, bad := v.(error); bad {
						b.Fatal(err)
					}
					if bb.kind == Filter {
						v = in
					}
					if _, err := gojq.Marshal(v); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
