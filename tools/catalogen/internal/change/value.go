package change

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// union lists the keys of two objects, sorted.
func union(a, b object) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// equal tells whether two values are the same JSON, whatever the order of keys and the spelling of numbers. No text equals
// no text only.
func equal(a, b json.RawMessage) bool { return canonical(a) == canonical(b) }

// canonical writes a value so that equal values have equal texts.
func canonical(text json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if len(text) == 0 || d.Decode(&value) != nil {
		return string(text)
	}
	out, err := json.Marshal(plainNumbers(value))
	if err != nil {
		return string(text)
	}
	return string(out)
}

// plainNumbers gives all spellings of a number one form.
func plainNumbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		if r := rational(value); r != nil {
			return map[string]string{"number": r.RatString()}
		}
	case []any:
		for i := range value {
			value[i] = plainNumbers(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = plainNumbers(value[key])
		}
	}
	return value
}

// rational reads a number. It is nil where there is none. A power of ten is read as a float64, for a stranger's 1e999999999
// written out would fill the memory.
func rational(n json.Number) *big.Rat {
	if strings.ContainsAny(string(n), "eE") {
		f, err := strconv.ParseFloat(string(n), 64)
		if err != nil {
			return nil
		}
		return new(big.Rat).SetFloat64(f)
	}
	if r, ok := new(big.Rat).SetString(string(n)); ok {
		return r
	}
	return nil
}

// number reads a keyword that is a number.
func (o object) number(key string) *big.Rat { return rational(json.Number(o[key])) }

// show writes a value for people. No value is no text.
func show(value json.RawMessage) string { return options.Plain(value) }

// list shows several values.
func list(values []json.RawMessage) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = options.Plain(v)
	}
	return strings.Join(texts, ", ")
}
