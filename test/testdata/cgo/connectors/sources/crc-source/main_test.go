package main

import (
	"hash/crc32"
	"strings"
	"testing"
)

func TestChecksum(t *testing.T) {
	for _, text := range []string{"", "a", "123456789", strings.Repeat("\x00\xff", 1000)} {
		if got, want := checksum([]byte(text)), crc32.ChecksumIEEE([]byte(text)); got != want {
			t.Errorf("%.20q: %08x, want %08x", text, got, want)
		}
	}
}
