package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// errMalformed is what the server sends that the protocol does not allow.
var errMalformed = errors.New("the server sent what is no valid MQTT")

// A tooLargeError is a packet that is larger than the source accepts.
type tooLargeError struct{ size int }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("a message of %d bytes is larger than --max-message allows", e.size)
}

// A packet is a control packet: its type, the four flags beside it, and what follows the length.
type packet struct {
	kind  byte
	flags byte
	body  []byte
}

// readPacket reads the next packet, whose body has limit bytes at most. It blocks. io.EOF means that there is none.
func readPacket(r *bufio.Reader, limit int) (packet, error) {
	first, err := r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	size, err := readVarint(r)
	if err != nil {
		return packet{}, unexpected(err)
	}
	if size > limit {
		return packet{}, &tooLargeError{size}
	}
	p := packet{kind: first >> 4, flags: first & 0x0f, body: make([]byte, size)}
	_, err = io.ReadFull(r, p.body)
	return p, unexpected(err)
}

// unexpected is an error within a packet, where an end is none that is allowed.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readVarint reads a variable byte integer: seven bits a byte, least significant first, four bytes at most.
func readVarint(r io.ByteReader) (n int, err error) {
	for shift := 0; shift < 28; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n, nil
		}
	}
	return 0, errMalformed
}

func appendVarint(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// appendPacket adds a whole packet.
func appendPacket(b []byte, kind, flags byte, body []byte) []byte {
	b = appendVarint(append(b, kind<<4|flags), len(body))
	return append(b, body...)
}

// A cursor reads a body. Once something is missing or wrong it is bad, and all that it reads is zero.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) take(n int) []byte {
	if c.bad || n > len(c.rest) {
		c.bad = true
		return nil
	}
	taken := c.rest[:n:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

// ReadByte implements io.ByteReader.
func (c *cursor) ReadByte() (byte, error) {
	b := c.byte()
	if c.bad {
		return 0, io.ErrUnexpectedEOF
	}
	return b, nil
}

func (c *cursor) uint16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) varint() int {
	n, err := readVarint(c)
	if err != nil {
		c.bad = true
	}
	return n
}

func (c *cursor) bytes() []byte { return c.take(int(c.uint16())) }

// text reads a string, which is UTF-8 without a zero character.
func (c *cursor) text() string {
	s := string(c.bytes())
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		c.bad = true
	}
	return s
}

// err is nil if all that was read was there.
func (c *cursor) err() error {
	if c.bad {
		return errMalformed
	}
	return nil
}
