// Package strictjson refuses JSON that two readers may understand differently, or that does harm when it is shown.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := value(d, nil); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("something follows the JSON document, at byte %d", d.InputOffset())
	}
	return nil
}

// value reads one value at a place.
func value(d *json.Decoder, at []string) error {
	token, err := d.Token()
	if err != nil {
		return syntax(err, at)
	}
	switch token := token.(type) {
	case string:
		return text(token, at)
	case json.Number:
		if !finite(token.String()) {
			return fmt.Errorf("%sholds a number beyond what programs count with", place(at))
		}
	case json.Delim:
		if len(at) >= MaxDepth {
			return fmt.Errorf("%snested deeper than %d", place(at[:3]), MaxDepth)
		}
		if token == '{' {
			return object(d, at)
		}
		for i := 0; d.More(); i++ {
			if err := value(d, append(at, fmt.Sprint(i))); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return syntax(err, at)
	}
	return nil
}

// object reads the members of an object and its closing brace.
func object(d *json.Decoder, at []string) error {
	seen := map[string]string{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return syntax(err, at)
		}
		key := token.(string) // the decoder gives nothing else in a key's place
		if err := text(key, at); err != nil {
			return err
		}
		folded := fold(key)
		if first, ok := seen[folded]; ok {
			return fmt.Errorf("%skey %q repeats %q", place(at), key, first)
		}
		seen[folded] = key
		if err := value(d, append(at, key)); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return syntax(err, at)
}

// fold is what encoding/json takes two keys for the same by: more than lower case, for ſ is a form of s to it.
func fold(key string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, key)
}

// text refuses a string with characters that are not for showing, and half surrogates, which decode to U+FFFD.
func text(s string, at []string) error {
	for _, r := range s {
		if r == utf8.RuneError || finding.Unprintable(r) {
			return fmt.Errorf("%sholds the character U+%04X, which has no place in text", place(at), r)
		}
	}
	return nil
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

// syntax says where the decoder stopped.
func syntax(err error, at []string) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("ends too early")
	}
	return fmt.Errorf("%sis not JSON: %w", place(at), err)
}

// place names a place in front of a message; the whole document needs no name.
func place(at []string) string {
	if len(at) == 0 {
		return ""
	}
	return schema.Pointer(at...) + ": "
}
