package link

import (
	"encoding/binary"
	"unicode/utf8"
)

// ScanRecord checks a line without decoding it. It reports whether the line is a record frame, for the first delivery,
// that is written as AppendFrame writes it, and so may be passed on as it stands; size is then the number of bytes of its
// key, headers and value as they are written. A line for which it reports false may still be a record frame: ParseFrame
// tells, and what it returns may be passed on after AppendFrame. It allocates nothing.
func ScanRecord(line []byte) (size int, ok bool) {
	p := parser{b: line}
	if !p.skip(`{"record":{`) {
		return 0, false
	}
	for first := true; !p.skip("}"); first = false {
		n, ok := 0, first || p.skip(",")
		if ok {
			n, ok = p.scanMember()
		}
		if !ok {
			return 0, false
		}
		size += n
	}
	return size, p.skip("}") && len(p.b) == 0 && utf8.Valid(line)
}

// scanMember passes over a member of a record. It leaves base64 to ParseFrame, which looks into it.
func (p *parser) scanMember() (size int, ok bool) {
	name, ok := p.text()
	if !ok || !p.skip(":") {
		return 0, false
	}
	if string(name) == "headers" {
		return p.scanHeaders()
	}
	if len(p.b) == 0 || p.b[0] != '"' {
		return 0, false
	}
	n := textEnd(p.b[1:])
	if n < 0 {
		return 0, false
	}
	text := p.b[1 : 1+n]
	p.b = p.b[n+2:]
	switch string(name) {
	case "key", "value":
		return n, true
	case "id", "partition", "position", "type", "subject":
		return 0, true
	case "op":
		_, err := parseOp(string(text))
		return 0, err == nil
	case "time":
		_, err := parseTime(string(text))
		return 0, err == nil
	}
	return 0, false
}

func (p *parser) scanHeaders() (size int, ok bool) {
	if !p.skip("{") {
		return 0, false
	}
	for first := true; !p.skip("}"); first = false {
		if !first && !p.skip(",") {
			return 0, false
		}
		for _, end := range []byte(":\x00") {
			if len(p.b) == 0 || p.b[0] != '"' {
				return 0, false
			}
			n := textEnd(p.b[1:])
			if n < 0 {
				return 0, false
			}
			p.b = p.b[n+2:]
			size += n
			if end != 0 && !p.skip(":") {
				return 0, false
			}
		}
	}
	return size, true
}

// textEnd is the index of the quote that ends a JSON string whose inside b begins with, -1 if there is none or if something
// before it is no JSON.
func textEnd(b []byte) int {
	for i := 0; ; {
		i += plain(b[i:])
		if i >= len(b) || b[i] < ' ' {
			return -1
		}
		if b[i] == '"' {
			return i
		}
		if i+1 == len(b) { // a backslash
			return -1
		}
		if unescape[b[i+1]] != 0 {
			i += 2
			continue
		}
		_, n := codePoint(b[i:])
		if n == 0 {
			return -1
		}
		i += n
	}
}

// plain is how many bytes at the beginning of b stand for themselves in a JSON string: neither a quote, a backslash nor a
// control character. It looks at eight bytes at a time.
func plain(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		quote, slash := v^(ones*'"'), v^(ones*'\\')
		// Each term has the high bit of a byte set where that byte is below a space, a quote or a backslash. A borrow may set
		// the bit of a byte behind such a one as well, which does not matter here.
		if ((v-ones*' ')&^v|(quote-ones)&^quote|(slash-ones)&^slash)&highs != 0 {
			break
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}
