package config

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"topic", "interval", "max-records", "map", "user-agent"}
	tests := []struct{ name, typed, want string }{
		{"finds a missing letter", "intervl", "interval"},
		{"finds an extra letter", "toppic", "topic"},
		{"finds swapped letters", "tpoic", "topic"},
		{"finds a wrong letter", "mab", "map"},
		{"finds other separators and case", "Max_Records", "max-records"},
		{"finds nothing near", "zzz", ""},
		{"does not replace a whole short name", "x", ""},
		{"takes no name for none", "", ""},
		{"bears a very long name", strings.Repeat("topic", 1000), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Nearest(tt.typed, names); got != tt.want {
				t.Errorf("Nearest(%q) = %q, want %q", tt.typed, got, tt.want)
			}
		})
	}
	if got := Nearest("mapp", []string{"mappe", "map"}); got != "mappe" {
		t.Errorf("of two equally near candidates, got %q and not the first", got)
	}
}
