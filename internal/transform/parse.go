package transform

import (
	"encoding/json"
	"strings"
)

// maxDepth bounds how deep arrays and objects nest, as encoding/json does, so that no payload can exhaust the stack. What
// nests deeper is text.
const maxDepth = 10000

// A parser reads one JSON text into the values that gojq works on. It accepts what encoding/json accepts and gives the
// same values, numbers as json.Number, and exists for its speed: decoding is most of the cost of a step, and keys, plain
// strings and numbers are substrings of the text here instead of copies. The text must be valid UTF-8.
type parser struct {
	text  string
	pos   int
	depth int
}

// parse returns the value of text; ok is false if text is not exactly one JSON value between optional blanks.
func parse(text string) (v any, ok bool) {
	p := parser{text: text}
	if v, ok = p.value(); !ok {
		return nil, false
	}
	p.blanks()
	return v, p.pos == len(text)
}

func (p *parser) value() (any, bool) {
	switch c := p.next(); c {
	case '{', '[':
		if p.depth++; p.depth > maxDepth {
			return nil, false
		}
		defer func() { p.depth-- }()
		if c == '{' {
			return p.object()
		}
		return p.array()
	case '"':
		return p.str()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		return p.number()
	}
}

func (p *parser) object() (any, bool) {
	p.pos++
	m := make(map[string]any)
	if p.next() == '}' {
		p.pos++
		return m, true
	}
	for {
		if p.next() != '"' {
			return nil, false
		}
		key, ok := p.str()
		if !ok || p.next() != ':' {
			return nil, false
		}
		p.pos++
		if m[key], ok = p.value(); !ok {
			return nil, false
		}
		switch p.next() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return m, true
		default:
			return nil, false
		}
	}
}

func (p *parser) array() (any, bool) {
	p.pos++
	a := []any{}
	if p.next() == ']' {
		p.pos++
		return a, true
	}
	for {
		v, ok := p.value()
		if !ok {
			return nil, false
		}
		a = append(a, v)
		switch p.next() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return a, true
		default:
			return nil, false
		}
	}
}

// str reads a string. One with escapes is left to encoding/json.
func (p *parser) str() (string, bool) {
	start, escaped := p.pos, false
	for p.pos++; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case c == '"':
			p.pos++
			if !escaped {
				return p.text[start+1 : p.pos-1], true
			}
			var s string
			err := json.Unmarshal([]byte(p.text[start:p.pos]), &s)
			return s, err == nil
		case c == '\\':
			escaped = true
			p.pos++
		case c < ' ':
			return "", false
		}
	}
	return "", false
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (p *parser) number() (any, bool) {
	start := p.pos
	p.skip("-")
	if !p.skip("0") && !p.digits() {
		return nil, false
	}
	if p.skip(".") && !p.digits() {
		return nil, false
	}
	if p.skip("eE") {
		p.skip("+-")
		if !p.digits() {
			return nil, false
		}
	}
	return json.Number(p.text[start:p.pos]), true
}

// digits moves over digits and tells whether there was one.
func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.text) && '0' <= p.text[p.pos] && p.text[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

// skip moves over one character if it is in set, and tells whether it was.
func (p *parser) skip(set string) bool {
	if p.pos < len(p.text) && strings.IndexByte(set, p.text[p.pos]) >= 0 {
		p.pos++
		return true
	}
	return false
}

// word moves over w and tells whether it was there.
func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.text[p.pos:], w) {
		return false
	}
	p.pos += len(w)
	return true
}

// next moves over blanks and returns the character after them, or 0 at the end.
func (p *parser) next() byte {
	p.blanks()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) blanks() {
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return
		}
	}
}
