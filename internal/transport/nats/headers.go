package nats

import (
	"strings"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// headers fills in the headers of a message.
type headers struct{ msg *natsgo.Msg }

// set sets a header whose name and value are legal.
func (h headers) set(name, value string) {
	if h.msg.Header == nil {
		h.msg.Header = make(natsgo.Header, 4)
	}
	h.msg.Header[name] = []string{value}
}

// escaped sets a header to the escaped value, if there is one.
func (h headers) escaped(name, value string) {
	if value != "" {
		h.set(name, escape(value))
	}
}

// id sets the message id, by which the server drops duplicates.
func (h headers) id(id string) {
	if id == "" {
		return
	}
	safe := escape(id)
	h.set(jetstream.MsgIDHeader, safe)
	if safe != id {
		h.set(headerID, safe) // a reader cannot know whether a foreign message id is escaped; this one says so
	}
}

// other sets a header of the record: as it is where that is legal and means nothing to the server or to us, else escaped.
func (h headers) other(name, value string) {
	if isToken(name) && isPlain(value) && !isReserved(name, value) {
		h.set(name, value)
		return
	}
	h.set(headerOther+escapeName(name), escape(value))
}

// isReserved reports whether a header of a record would be taken for something else. Some of the server's make it delete
// what the stream holds.
func isReserved(name, value string) bool {
	return hasPrefixFold(name, "nats-") || hasPrefixFold(name, "patchbay-") || hasPrefixFold(name, "ce-") ||
		strings.EqualFold(name, "content-type") && hasPrefixFold(value, eventContentType) ||
		name == "Status" || name == "Description"
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// isToken reports whether s is a legal header name: an HTTP token.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$&'*+-.^_`|~%", c) >= 0
}

// isPlain reports whether s survives as a header value: no control characters, nothing that is trimmed away.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

// escape writes s in the way the CloudEvents bindings do: bytes outside the printable ASCII range, the space, the double
// quote and the percent sign become % and two hexadecimal digits.
func escape(s string) string {
	return escapeBytes(s, func(c byte) bool { return c <= ' ' || c >= 0x7f || c == '"' || c == '%' })
}

// escapeName writes s as a part of a header name.
func escapeName(s string) string {
	return escapeBytes(s, func(c byte) bool { return c == '%' || !isTokenByte(c) })
}

func escapeBytes(s string, special func(byte) bool) string {
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

// unescape undoes escape. A percent sign that begins no escape stays as it is, since others may not have escaped theirs.
func unescape(s string) string {
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
