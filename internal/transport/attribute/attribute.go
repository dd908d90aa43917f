// Package attribute holds what the bindings of CloudEvents 1.0 to NATS and to HTTP have in common: how an attribute is written
// as the value of a header.
package attribute

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The extension attributes of record.MarshalCloudEvent, which writes the structured mode.
const (
	Key       = "partitionkey"
	KeyBytes  = "patchbaykeybase64"
	Op        = "patchbayop"
	Partition = "patchbaypartition"
	Position  = "patchbayposition"
	Headers   = "patchbayheaders"
)

// Escape writes the value of an attribute as the bindings do: bytes outside the printable ASCII range, the space, the double
// quote and the percent sign become % and two hexadecimal digits.
func Escape(s string) string {
	return EscapeBytes(s, func(c byte) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '%' })
}

// EscapeBytes writes special bytes as % and two hexadecimal digits. The percent sign has to be one of them.
func EscapeBytes(s string, special func(byte) bool) string {
	const digits = "0123456789ABCDEF"
	n := 0
	for i := range len(s) {
		if special(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*n)
	for i := range len(s) {
		if c := s[i]; special(c) {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Unescape undoes both. A percent sign that begins no escape stays as it is, since others may not have escaped theirs.
func Unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// Unquote removes the double quotes that the bindings allow around a value. It comes before Unescape: quotes that are
// escaped belong to the value.
func Unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// ImpliedType is the content type that a payload shows by itself, empty for an empty one.
func ImpliedType(data []byte) string {
	switch {
	case len(data) == 0:
		return ""
	case json.Valid(data):
		return "application/json"
	case utf8.Valid(data):
		return "text/plain"
	}
	return "application/octet-stream"
}

// IsString reports whether s may be the value of an attribute: valid UTF-8 without control characters.
func IsString(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
