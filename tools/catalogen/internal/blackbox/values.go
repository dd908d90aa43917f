package blackbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
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

// A property is one option as far as values are made from it.
type property struct {
	Type     string      `json:"type"`
	Kind     string      `json:"x-type"`
	Enum     []any       `json:"enum"`
	Default  any         `json:"default"`
	Examples []any       `json:"examples"`
	Minimum  json.Number `json:"minimum"`
	Maximum  json.Number `json:"maximum"`
	Above    json.Number `json:"exclusiveMinimum"`
	Below    json.Number `json:"exclusiveMaximum"`
	Longest  int         `json:"maxLength"`
	Shortest int         `json:"minLength"`
	Items    *property   `json:"items"`
	Env      string      `json:"x-env"`
	Shared   bool        `json:"x-shared"`
	Hidden   bool        `json:"x-hidden"`
	Secret   bool        `json:"writeOnly"`

	compiled *schema.Schema
}

// readProperties decodes each property of an options schema, which is also given compiled.
func readProperties(text []byte, compiled *schema.Schema) (map[string]property, error) {
	var flat struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(text, &flat); err != nil {
		return nil, err
	}
	properties := map[string]property{}
	for name, raw := range flat.Properties {
		var p property
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&p); err != nil {
			return nil, fmt.Errorf("option %s: %w", name, err)
		}
		var known bool
		if p.compiled, known = compiled.Property(name); !known {
			return nil, fmt.Errorf("option %s: the schema says nothing of it, because $ref stands beside properties", name)
		}
		properties[name] = p
	}
	return properties, nil
}

// accepts tells whether the property alone accepts a value.
func (p property) accepts(value any) bool {
	parsed, err := reparse(value)
	return err == nil && p.compiled.Valid(parsed)
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
	candidates := slices.Concat(p.Examples, p.Enum, []any{p.Default}, p.candidates())
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
	values := slices.Clone(p.Enum)
	for _, word := range p.Enum {
		if text, ok := word.(string); ok {
			values = append(values, strings.ToUpper(text), strings.ToLower(text), text+" ", text+"x", text+","+text)
		}
	}
	switch p.Type {
	case "string":
		for _, text := range texts {
			values = append(values, text)
		}
		for _, n := range []int{p.Shortest - 1, p.Shortest, p.Longest, p.Longest + 1} {
			if n > 0 && n < 100_000 {
				values = append(values, strings.Repeat("a", n), strings.Repeat("☃", n))
			}
		}
	case "integer", "number":
		values = append(values, p.numbers()...)
	case "array":
		if p.Items != nil {
			for _, element := range p.Items.candidates() {
				values = append(values, []any{element})
			}
			if good, ok := p.element(); ok {
				values = append(values, []any{good, good}, []any{good, nil}, []any{good, []any{good}}, slices.Repeat([]any{good}, 100))
			}
		}
	case "object":
		for _, text := range []string{"b", "", "a b", "a;b", "a=b", "☃"} {
			values = append(values, map[string]any{"a": text}, map[string]any{"a": "b", "k" + text: text})
		}
		values = append(values, map[string]any{"": "b"}, map[string]any{"a": number("5")}, map[string]any{"a": true}, map[string]any{"a": []any{"b"}})
	}
	return append(values, wrongTypes...)
}

// element returns an element that a list accepts.
func (p property) element() (any, bool) {
	for _, element := range slices.Concat(p.Items.Enum, p.Items.candidates()) {
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
func Valid(options []byte, compiled *schema.Schema) (map[string]any, error) {
	properties, err := readProperties(options, compiled)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for name, p := range properties {
		if value, ok := p.valid(); ok {
			values[name] = value
		}
	}
	return values, nil
}
