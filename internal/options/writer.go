package options

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// A writer writes indented JSON in one pass. At each start of metadata some 30 KB are written: encoding/json would look at
// every byte three times, to encode it, to check what a MarshalJSON gave, and to indent it.
type writer struct {
	b     []byte
	line  string // what begins a line: a newline, and the indentation of what is open
	empty bool   // nothing is in what was opened last
}

// open begins an object or an array.
func (w *writer) open(bracket byte) {
	w.b = append(w.b, bracket)
	w.line, w.empty = w.line+"  ", true
}

// close ends it.
func (w *writer) close(bracket byte) {
	w.line = w.line[:len(w.line)-2]
	if !w.empty {
		w.b = append(w.b, w.line...)
	}
	w.b, w.empty = append(w.b, bracket), false
}

// item begins an element of an array.
func (w *writer) item() {
	if !w.empty {
		w.b = append(w.b, ',')
	}
	w.b, w.empty = append(w.b, w.line...), false
}

// key begins a member of an object.
func (w *writer) key(name string) {
	w.item()
	w.quote(name)
	w.b = append(w.b, ':', ' ')
}

// The methods below write a member, unless it has the zero value.

func (w *writer) text(name, value string) {
	if value != "" {
		w.key(name)
		w.quote(value)
	}
}

func (w *writer) flag(name string, value bool) {
	if value {
		w.key(name)
		w.b = append(w.b, "true"...)
	}
}

func (w *writer) count(name string, value int) {
	if value != 0 {
		w.rational(name, big.NewRat(int64(value), 1))
	}
}

func (w *writer) rational(name string, value *big.Rat) {
	if value == nil {
		return
	}
	w.key(name)
	if value.IsInt() {
		w.b = value.Num().Append(w.b, 10)
		return
	}
	f, _ := value.Float64()
	text, _ := json.Marshal(f) // never fails: a rational number is finite
	w.b = append(w.b, text...)
}

func (w *writer) list(name string, values []string) {
	if len(values) > 0 {
		w.key(name)
		w.array(len(values), func(i int) { w.quote(values[i]) })
	}
}

func (w *writer) array(n int, element func(i int)) {
	w.open('[')
	for i := range n {
		w.item()
		element(i)
	}
	w.close(']')
}

// value writes the JSON form of an option's value.
func (w *writer) value(v any) {
	switch v := v.(type) {
	case string:
		w.quote(v)
	case json.Number:
		w.b = append(w.b, v...)
	case bool:
		if v {
			w.b = append(w.b, "true"...)
		} else {
			w.b = append(w.b, "false"...)
		}
	case []any:
		w.array(len(v), func(i int) { w.value(v[i]) })
	case map[string]any:
		w.open('{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			w.key(name)
			w.value(v[name])
		}
		w.close('}')
	}
}

// quote writes a string. One that has to be escaped, which is rare, is left to encoding/json.
func (w *writer) quote(s string) {
	if strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
	}) < 0 {
		w.b = append(append(append(w.b, '"'), s...), '"')
		return
	}
	var escaped strings.Builder
	encoder := json.NewEncoder(&escaped)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // never fails: it is a string, and a builder takes everything
	w.b = append(w.b, strings.TrimSuffix(escaped.String(), "\n")...)
}
