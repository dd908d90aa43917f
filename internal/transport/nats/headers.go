package nats

import (
	"strings"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport/attribute"
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
		h.set(name, attribute.Escape(value))
	}
}

// id sets the message id, by which the server drops duplicates.
func (h headers) id(id string) {
	if id == "" {
		return
	}
	safe := attribute.Escape(id)
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
	h.set(headerOther+escapeName(name), attribute.Escape(value))
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

// escapeName writes s as a part of a header name.
func escapeName(s string) string {
	return attribute.EscapeBytes(s, func(c byte) bool { return c == '%' || !isTokenByte(c) })
}
