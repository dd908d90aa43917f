// Package strictjson refuses JSON that two readers may understand differently, or that does harm when it is shown.
package strictjson

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// MaxDepth is how deep objects and lists may be nested.
const MaxDepth = 64

// Check accepts exactly one JSON value of valid UTF-8 that is nested at most MaxDepth deep, whose objects have no key
// twice (also not in another case, for encoding/json would take one for the other), whose strings control no terminal and
// whose numbers are of a size to reckon with.
// The error names the place as a JSON pointer.
func Check(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("is not valid UTF-8")
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("is empty")
	}
	r := &reader{text: text}
	if err := r.value(); err != nil {
		return err
	}
	if r.space(); r.at < len(text) {
		return fmt.Errorf("something follows the JSON document, at byte %d", r.at)
	}
	return nil
}

// A reader reads a text from a position on. It is not a json.Decoder, whose tokens take five times as long; what strings and
// numbers are is left to that package all the same.
type reader struct {
	text []byte
	at   int
	path []string // to the value that is being read
}

// value reads one value.
func (r *reader) value() error {
	if r.space(); r.at == len(r.text) {
		return r.syntax()
	}
	switch first := r.text[r.at]; {
	case first == '"':
		_, err := r.string()
		return err
	case first != '{' && first != '[':
		return r.word()
	case len(r.path) >= MaxDepth:
		return fmt.Errorf("%snested deeper than %d", place(r.path[:3]), MaxDepth)
	case first == '{':
		seen := map[string]string{}
		return r.elements('}', func(int) error { return r.member(seen) })
	}
	return r.elements(']', func(i int) error { return r.within(strconv.Itoa(i)) })
}

// within reads the value that is in a place of the one that is being read.
func (r *reader) within(place string) error {
	r.path = append(r.path, place)
	err := r.value()
	if err == nil {
		r.path = r.path[:len(r.path)-1]
	}
	return err
}

// elements reads what stands between an opening bracket and its end, parted by commas.
func (r *reader) elements(end byte, element func(i int) error) error {
	r.at++
	if r.space(); r.take(end) {
		return nil
	}
	for i := 0; ; i++ {
		if err := element(i); err != nil {
			return err
		}
		if r.space(); r.take(end) {
			return nil
		}
		if !r.take(',') {
			return r.syntax()
		}
		r.space()
	}
}

// member reads a key, which must be none that was seen, and its value.
func (r *reader) member(seen map[string]string) error {
	if r.at == len(r.text) || r.text[r.at] != '"' {
		return r.syntax()
	}
	name, err := r.string()
	if err != nil {
		return err
	}
	key := string(name)
	folded := fold(key)
	if first, ok := seen[folded]; ok {
		return fmt.Errorf("%skey %q repeats %q", place(r.path), key, first)
	}
	seen[folded] = key
	if r.space(); !r.take(':') {
		return r.syntax()
	}
	return r.within(key)
}

// string reads a string, at whose first quote it stands.
func (r *reader) string() ([]byte, error) {
	start, plain := r.at, true
	for r.at++; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			if plain {
				return r.text[start+1 : r.at-1], nil
			}
			var s string
			if json.Unmarshal(r.text[start:r.at], &s) != nil {
				return nil, r.syntax()
			}
			return []byte(s), r.printable(s)
		case c == '\\':
			r.at++
			plain = false
		case c < ' ' || c > '~':
			plain = false
		}
	}
	r.at = len(r.text) // an escape may have stood at the end
	return nil, r.syntax()
}

// word reads a number, true, false or null.
func (r *reader) word() error {
	start := r.at
	if n := bytes.IndexAny(r.text[start:], " \t\r\n\"{}[],:"); n >= 0 {
		r.at += n
	} else {
		r.at = len(r.text)
	}
	word := r.text[start:r.at]
	if !json.Valid(word) {
		return r.syntax()
	}
	if (word[0] == '-' || word[0] <= '9') && !finite(string(word)) {
		return fmt.Errorf("%sholds a number beyond what programs count with", place(r.path))
	}
	return nil
}

// space skips white space.
func (r *reader) space() {
	for r.at < len(r.text) && (r.text[r.at] == ' ' || r.text[r.at] == '\n' || r.text[r.at] == '\t' || r.text[r.at] == '\r') {
		r.at++
	}
}

// take skips a byte, if it is the next.
func (r *reader) take(b byte) bool {
	if r.at == len(r.text) || r.text[r.at] != b {
		return false
	}
	r.at++
	return true
}

// printable refuses a string with characters that are not for showing, and half surrogates, which decode to U+FFFD.
func (r *reader) printable(s string) error {
	for _, c := range s {
		if c == utf8.RuneError || finding.Unprintable(c) {
			return fmt.Errorf("%sholds the character U+%04X, which has no place in text", place(r.path), c)
		}
	}
	return nil
}

// syntax says why the text is no JSON.
func (r *reader) syntax() error {
	err := errors.New("ends too early")
	if r.at < len(r.text) {
		err = cmp.Or(json.Unmarshal(r.text, new(json.RawMessage)), err)
	}
	return fmt.Errorf("%sis not JSON: %w", place(r.path), err)
}

// fold is what encoding/json takes two keys for the same by: more than lower case, for ſ is a form of s to it.
func fold(key string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII {
			return unicode.ToUpper(r) // the least of all forms
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, key)
}

// maxNumber is how many digits a number may have, and the magnitude of its exponent. Whoever reckons exactly with
// 1e1000000000 writes out its zeros first.
const maxNumber = 400

func finite(number string) bool {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	if len(mantissa) > maxNumber || exponent == "" {
		return len(mantissa) <= maxNumber
	}
	n, err := strconv.Atoi(exponent)
	return err == nil && n >= -maxNumber && n <= maxNumber
}

// place names a place in front of a message; the whole document needs no name.
func place(at []string) string {
	if len(at) == 0 {
		return ""
	}
	return schema.Pointer(at...) + ": "
}
