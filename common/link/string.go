package link

import "unsafe"

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. s must be valid UTF-8; nothing is escaped that JSON does not ask for.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	for b := bytesOf(s); ; {
		n := plain(b)
		dst = append(dst, b[:n]...)
		if n == len(b) {
			return append(dst, '"')
		}
		switch c := b[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		b = b[n+1:]
	}
}

// bytesOf gives the bytes of s, which must not be changed.
func bytesOf[T string | []byte](s T) []byte {
	switch s := any(s).(type) {
	case string:
		return unsafe.Slice(unsafe.StringData(s), len(s))
	case []byte:
		return s
	}
	return nil
}
