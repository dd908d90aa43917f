package connect

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/record"
)

// build makes the chain of a transformer that needs no server.
func build(t *testing.T, text, onError string) (*chain, error) {
	t.Helper()
	s, err := parse(b64("source: {type: a}\nproducer: {core: {subject: top}}\ntransformer: " + text))
	if err != nil {
		t.Fatal(err)
	}
	b := builder{subject: "top", onError: onError, log: slog.New(slog.DiscardHandler), dial: func(*natsConfig) (*nats.Conn, error) {
		return nil, errors.New("no server")
	}}
	return b.chain(s.Transformer)
}

// fates notes how items are settled.
type fates struct{ got []string }

func (f *fates) item(i int, value string) item {
	return item{record.Record{ID: fmt.Sprint("id", i), Value: []byte(value)}, func(err error) {
		f.got = append(f.got, fmt.Sprint(i, " ", err))
	}}
}

func TestTransformers(t *testing.T) {
	tests := []struct {
		name, transformer string
		in, want          []string
	}{
		{"mapping", `{mapping: {sourcecode: "{a: .b, t: $topic}"}}`, []string{`{"b":1}`, `{}`}, []string{`{"a":1,"t":"top"}`, `{"a":null,"t":"top"}`}},
		{"a mapping that begins with @ names no file", `{mapping: {sourcecode: "@base64 # comment"}}`, []string{`"ab"`}, []string{`"YWI="`}},
		{"lines", `{explode: {format: lines}}`, []string{"a\r\n\nb\n", "c"}, []string{"a", "", "b", "c"}},
		{"nothing", `{explode: {format: lines}}`, []string{""}, nil},
		{"a delimiter", `{explode: {format: lines, delimiter: ", "}}`, []string{"a, b,c"}, []string{"a", "b,c"}},
		{"array", `{explode: {format: json_array}}`, []string{`[1, {"a": 1.50}, []]`, `[]`}, []string{`1`, `{"a": 1.50}`, `[]`}},
		{"documents", `{explode: {format: json_documents}}`, []string{"1 {}\n[2]"}, []string{"1", "{}", "[2]"}},
		{"CSV", `{explode: {format: csv}}`, []string{"b,a\n1,\"x\ny\"\n2,z\n"}, []string{`{"a":"x\ny","b":"1"}`, `{"a":"z","b":"2"}`}},
		{"CSV with semicolons", `{explode: {format: csv, delimiter: ;}}`, []string{"b;a\n1;2\n"}, []string{`{"a":"2","b":"1"}`}},
		{"to an array", `{combine: {format: json_array}}`, []string{"1", "no JSON", `{"a": 1}`}, []string{`[1,"no JSON",{"a":1}]`}},
		{"to lines", `{combine: {format: lines}}`, []string{"1", "2"}, []string{"1\n2"}},
		{
			"a sequence", `{composite: {sequential: [{explode: {format: json_array}}, {mapping: {sourcecode: ". + 1"}}, {combine: {format: lines}}]}}`,
			[]string{`[1,2]`, `[3]`},
			[]string{"2\n3\n4"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := build(t, tt.transformer, "")
			if err != nil {
				t.Fatal(err)
			}
			f := &fates{}
			var in []item
			for i, value := range tt.in {
				in = append(in, f.item(i, value))
			}
			var got []string
			ids := map[string]bool{}
			for _, it := range c.run(t.Context(), in) {
				got = append(got, string(it.rec.Value))
				ids[it.rec.ID] = true
				it.settled(nil)
			}
			if !slices.Equal(got, tt.want) || len(ids) != len(got) {
				t.Errorf("%q came out, with the ids %v", got, ids)
			}
			if len(f.got) != len(tt.in) || slices.ContainsFunc(f.got, func(s string) bool { return !strings.HasSuffix(s, "<nil>") }) {
				t.Errorf("%q is how they settled", f.got)
			}
		})
	}
}

func TestWhatATransformerCannotDoIsRefused(t *testing.T) {
	tests := []struct{ name, transformer, want string }{
		{"none", `{}`, "exactly one of"},
		{"two", `{mapping: {sourcecode: .}, explode: {format: lines}}`, "exactly one of"},
		{"Bloblang", `{mapping: {sourcecode: "root = this.uppercase()"}}`, "transformer.mapping.sourcecode is Bloblang"},
		{"no jq", `{mapping: {sourcecode: ".["}}`, "is not a jq expression: unexpected end"},
		{"an empty mapping", `{mapping: {}}`, "mapping.sourcecode: missing"},
		{"a format", `{explode: {format: tar}}`, `explode.format "tar" is not supported: say lines`},
		{"a long delimiter", `{explode: {format: csv, delimiter: ab}}`, "csv takes one character"},
		{"a needless delimiter", `{explode: {format: json_array, delimiter: a}}`, "json_array has none"},
		{"another format", `{combine: {format: binary}}`, `combine.format "binary" is not supported`},
		{"a needless path", `{combine: {format: lines, path: a}}`, "lines holds no files"},
		{"an expression", `{combine: {format: tar, path: '${!count()}'}}`, "expressions such as"},
		{"a path out of the archive", `{combine: {format: zip, path: ../a}}`, "combine.path: give the name"},
		{"an empty sequence", `{composite: {}}`, "composite.sequential: there is no"},
		{"in a sequence", `{composite: {sequential: [{explode: {format: lines}}, {}]}}`, "composite.sequential[1]"},
		{"an endpoint", `{service: {endpoint: 'a.*'}}`, "service.endpoint"},
		{"a timeout", `{service: {endpoint: a, timeout: 5}}`, "a number cannot stand here"},
		{"no timeout", `{service: {endpoint: a, timeout: 0s}}`, "service.timeout"},
		{"no server", `{service: {endpoint: a}}`, "service: no server"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := parse(b64("source: {type: a}\nproducer: {core: {subject: top}}\ntransformer: " + tt.transformer))
			if err == nil {
				b := builder{log: slog.New(slog.DiscardHandler), dial: func(*natsConfig) (*nats.Conn, error) { return nil, errors.New("no server") }}
				_, err = b.chain(s.Transformer)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
}

func TestArchives(t *testing.T) {
	want := map[string]string{"r/x-1.json": "one", "r/x-2.json": "two"}
	for _, format := range []string{"tar", "zip"} {
		t.Run(format, func(t *testing.T) {
			c, err := build(t, "{combine: {format: "+format+", path: r/x.json}}", "")
			if err != nil {
				t.Fatal(err)
			}
			f := &fates{}
			out := c.run(t.Context(), []item{f.item(1, "one"), f.item(2, "two")})
			if len(out) != 1 {
				t.Fatalf("%d records came out", len(out))
			}
			got := map[string]string{}
			value := out[0].rec.Value
			if format == "tar" {
				for r := tar.NewReader(bytes.NewReader(value)); ; {
					h, err := r.Next()
					if err != nil {
						break
					}
					text, _ := io.ReadAll(r)
					got[h.Name] = string(text)
				}
			} else {
				r, err := zip.NewReader(bytes.NewReader(value), int64(len(value)))
				if err != nil {
					t.Fatal(err)
				}
				for _, file := range r.File {
					in, err := file.Open()
					if err != nil {
						t.Fatal(err)
					}
					text, _ := io.ReadAll(in)
					got[file.Name] = string(text)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("the archive holds %v", got)
			}
		})
	}
}

func TestARecordThatCannotBeTransformed(t *testing.T) {
	for onError, want := range map[string]string{"": "0 explode: the payload is no json_array: not a JSON array", "skip": "0 <nil>"} {
		c, err := build(t, `{explode: {format: json_array}}`, onError)
		if err != nil {
			t.Fatal(err)
		}
		f := &fates{}
		if out := c.run(t.Context(), []item{f.item(0, "{")}); len(out) != 0 || !slices.Equal(f.got, []string{want}) {
			t.Errorf("on-error %q: %d came out, settled %q", onError, len(out), f.got)
		}
	}
}

func TestAFateIsThatOfAllParts(t *testing.T) {
	var got []error
	settled := share(func(err error) { got = append(got, err) }, 3)
	bad := errors.New("bad")
	settled(nil)
	settled(bad)
	if len(got) != 0 {
		t.Fatal("settled too early")
	}
	settled(nil)
	if len(got) != 1 || got[0] != bad {
		t.Errorf("settled with %v", got)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	f := &fates{}
	small, large := make([]item, combineRecords+1), make([]item, 3)
	for i := range small {
		small[i] = f.item(i, "x")
	}
	for i := range large {
		large[i] = f.item(i, strings.Repeat("x", combineBytes/2))
	}
	if a, b := batchLength(small), batchLength(large); a != combineRecords || b != 2 {
		t.Errorf("batches of %d and %d", a, b)
	}
}
