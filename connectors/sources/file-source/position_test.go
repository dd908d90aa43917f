package main

import (
	"strings"
	"testing"
)

func TestPosition(t *testing.T) {
	good := position{generation: "0123456789abcdef", offset: 1 << 50, inode: 1<<64 - 1, length: 1024, sum: "fedcba9876543210"}
	if got, err := parsePosition(good.String()); err != nil || got != good {
		t.Errorf("got %+v, %v", got, err)
	}
	text := "1:0123456789abcdef:10:20:10:fedcba9876543210"
	tests := []struct{ name, text string }{
		{"another version", strings.Replace(text, "1:", "2:", 1)},
		{"cut off", text[:len(text)-1]},
		{"longer", text + "0"},
		{"negative offset", strings.Replace(text, ":10:", ":-1:", 1)},
		{"offset too large", strings.Replace(text, ":10:", ":1000000000000000000:", 1)},
		{"inode too large", strings.Replace(text, ":20:", ":18446744073709551616:", 1)},
		{"fingerprint of more than was read", strings.Replace(text, ":20:10:", ":20:11:", 1)},
		{"empty", ""},
	}
	if _, err := parsePosition(text); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := parsePosition(tt.text); err == nil {
				t.Errorf("%q was read as %+v", tt.text, p)
			}
		})
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("1:0123456789abcdef:10:20:10:fedcba9876543210")
	f.Add("1:started")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePosition(text)
		if err != nil {
			return
		}
		if again, err := parsePosition(p.String()); err != nil || again != p {
			t.Errorf("%q became %+v, %v", text, again, err)
		}
	})
}
