package blackbox

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// A document is one set of flat options.
type document map[string]any

// with returns a copy of the document with one option set.
func (d document) with(name string, value any) document {
	c := maps.Clone(d)
	c[name] = value
	return c
}

// without returns a copy of the document with one option removed.
func (d document) without(name string) document {
	c := maps.Clone(d)
	delete(c, name)
	return c
}

// plus returns a copy of the document with some options set.
func (d document) plus(options []option) document {
	c := maps.Clone(d)
	for _, o := range options {
		c[o.name] = o.value
	}
	return c
}

func decodeDocument(text []byte) (document, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var doc document
	return doc, d.Decode(&doc)
}

// A property is one option with its schema compiled and the values in it decoded.
type property struct {
	options.Option
	enum, examples []any
	preset         any // the default; nil if there is none
	items          *property
	compiled       *schema.Schema // nil for what is no option of its own
}

// readProperties returns the options of a schema by their names.
func readProperties(read options.Schema, compiled *schema.Schema) map[string]property {
	properties := map[string]property{}
	for _, o := range read.Options {
		p := newProperty(o)
		p.compiled, _ = compiled.Property(o.Name)
		properties[o.Name] = p
	}
	return properties
}

// named returns the option that is taken by a name, its own or a former one; the zero value accepts nothing.
func (x *examiner) named(name string) property {
	o, _ := x.Subject.Options.Named(name)
	return x.options[o.Name]
}

func newProperty(o options.Option) property {
	p := property{Option: o}
	for _, list := range []struct {
		from []json.RawMessage
		to   *[]any
	}{{o.Enum, &p.enum}, {o.Examples, &p.examples}, {[]json.RawMessage{o.Const}, &p.enum}} {
		for _, text := range list.from {
			if value, err := schema.Parse(text); err == nil {
				*list.to = append(*list.to, value)
			}
		}
	}
	if value, err := schema.Parse(o.Default); err == nil {
		p.preset = value
	}
	if o.Items != nil {
		items := newProperty(*o.Items)
		p.items = &items
	}
	return p
}

// accepts tells whether the property alone accepts a value.
func (p property) accepts(value any) bool {
	parsed, err := reparse(value)
	return err == nil && p.compiled != nil && p.compiled.Valid(parsed)
}

// reparse turns a value of ours into one as the validator wants it.
func reparse(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return schema.Parse(text)
}

func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// valid returns a value that the property accepts: what its author names first, else one of ours.
func (p property) valid() (any, bool) {
	candidates := slices.Concat(p.examples, p.enum, []any{p.preset}, p.candidates())
	// An empty text says little; it is taken only if nothing else will do.
	for _, empty := range []bool{false, true} {
		for _, value := range candidates {
			if value != nil && (empty || !isEmpty(value)) && p.accepts(value) {
				return value, true
			}
		}
	}
	return nil, false
}

func isEmpty(value any) bool {
	switch value := value.(type) {
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}

// The families of text that options read. Every text option gets all of them: what is right for one kind is the near miss
// of another.
var texts = slices.Concat(
	strings.Fields(`a b0 A-b_c.d word true null -1 0 1 5 1.0 1e2 0x1F 017 +1 .5 5. NaN @ * -`),
	[]string{
		"", " ", "a b", " a", "a ", "a,b", "a;b", "a=b", "a\nb", "a\tb", "héllo", "日本", "☃", "é", "\u00a0", "${env:HOME}", "$${x}", `"`, "'", `\`,
		strings.Repeat("x", 255), strings.Repeat("x", 10_000),
	},
	// durations
	strings.Fields(`1s 1.5s 10µs 10μs 10us -1h 3d abc 1h30m .5s 1.s 1e3s PT30S +1s 0s -0 1m1m 9223372036854775807ns 9223372036854775808ns 2562047h 99999h 1S 1`),
	[]string{"10s ", "1 s", "1h -1m"},
	// sizes
	strings.Fields(`64KiB 64kb 64KB 1.5MiB 512 1B 10MB 1GiB 1TiB 999999TiB 9999999TiB 64K -1KiB 1PiB 1e3B 64kib`),
	[]string{"64 KiB"},
	// addresses
	strings.Fields(`http://127.0.0.1:8080/x https://example.com https://example.com/a?b=c#d ftp://example.com/ example.com http:// http:///x
		http://user:pw@example.com/ HTTP://EXAMPLE.COM/ http://[::1]:80/ http://example.com:99999/ http://example.com:/ http://example.com/%zz
		http://example.com/%41 http://exämple.com/ //example.com/ javascript:alert(1) http://example.com/a|b http://127.0.0.1:1/ nats://127.0.0.1:4222
		tls://example.com:4222 file:///tmp/x localhost:9090 127.0.0.1:0 :8080`),
	[]string{"http://exa mple.com/", "http://example.com/a b"},
)

var wrongTypes = []any{
	nil, true, false, number("0"), number("5"), number("1.5"), number("-1"), "5",
	[]any{},
	[]any{"a"},
	[]any{nil},
	map[string]any{},
	map[string]any{"a": "b"},
	map[string]any{"a": nil},
}

func number(text string) json.Number { return json.Number(text) }

// candidates returns values to try: good ones, near misses and nonsense, in a fixed order.
func (p property) candidates() []any {
	values := slices.Clone(p.enum)
	for _, word := range p.enum {
		if text, ok := word.(string); ok {
			values = append(values, strings.ToUpper(text), strings.ToLower(text), text+" ", text+"x", text+","+text)
		}
	}
	for _, kind := range p.Type {
		values = append(values, p.ofType(kind)...)
	}
	return append(values, wrongTypes...)
}

// ofType returns the candidates of one JSON type.
func (p property) ofType(kind string) (values []any) {
	switch kind {
	case "string":
		for _, text := range texts {
			values = append(values, text)
		}
		shortest, longest := whole(p.Shortest), whole(p.Longest)
		for _, n := range []int{shortest - 1, shortest, longest, longest + 1} {
			if n > 0 && n < 100_000 {
				values = append(values, strings.Repeat("a", n), strings.Repeat("☃", n))
			}
		}
	case "integer", "number":
		values = p.numbers()
	case "array":
		if p.items == nil {
			return nil
		}
		for _, element := range p.items.candidates() {
			values = append(values, []any{element})
		}
		if good, ok := p.element(); ok {
			values = append(values, []any{good, good}, []any{good, nil}, []any{good, []any{good}}, slices.Repeat([]any{good}, 100))
		}
	case "object":
		for _, text := range []string{"b", "", "a b", "a;b", "a=b", "☃"} {
			values = append(values, map[string]any{"a": text}, map[string]any{"a": "b", "k" + text: text})
		}
		values = append(values, map[string]any{"": "b"}, map[string]any{"a": number("5")}, map[string]any{"a": true}, map[string]any{"a": []any{"b"}})
	}
	return values
}

// whole reads a length, which may be written 100.0; one that is absent or beyond all sense is 0.
func whole(n json.Number) int {
	f, err := n.Float64()
	if err != nil || f < 0 || f > math.MaxInt32 {
		return 0
	}
	return int(f)
}

// element returns an element that a list accepts.
func (p property) element() (any, bool) {
	for _, element := range slices.Concat(p.items.enum, p.items.candidates()) {
		if element != nil && !isEmpty(element) && p.accepts([]any{element}) {
			return element, true
		}
	}
	return nil, false
}

// numbers returns the bounds and what lies beside them, and the spellings of whole numbers that JSON knows.
func (p property) numbers() []any {
	values := []any{}
	for _, text := range strings.Fields(`0 1 -1 2 1.0 1e0 1e2 10e-1 1.5 0.1 -0.5 -0 1e-9 9007199254740991 9007199254740992 -9007199254740992
		9223372036854775807 9223372036854775808 18446744073709551616 1e30 1e400`) {
		values = append(values, number(text))
	}
	for _, bound := range []json.Number{p.Minimum, p.Maximum, p.Above, p.Below} {
		n, ok := new(big.Rat).SetString(bound.String())
		if !ok || bound == "" {
			continue
		}
		for _, step := range []*big.Rat{big.NewRat(-1, 1), new(big.Rat), big.NewRat(1, 1)} {
			values = append(values, number(decimal(new(big.Rat).Add(n, step))))
		}
	}
	return values
}

// decimal writes a number as JSON does.
func decimal(n *big.Rat) string {
	if n.IsInt() {
		return n.Num().String()
	}
	return strings.TrimRight(n.FloatString(12), "0")
}

// Valid returns for each option of a schema, which is also given compiled, a value that it accepts, where one is known.
func Valid(read options.Schema, compiled *schema.Schema) map[string]any {
	values := map[string]any{}
	for name, p := range readProperties(read, compiled) {
		if value, ok := p.valid(); ok {
			values[name] = value
		}
	}
	return values
}
