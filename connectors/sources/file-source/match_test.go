package main

import (
	"os"
	"slices"
	"testing"
)

func TestMatch(t *testing.T) {
	d := newFolder(t)
	for _, dir := range []string{"x/y", "[z]"} {
		d.must(os.MkdirAll(d.path(dir), 0o700))
	}
	for _, name := range []string{"a.log", "b.log", "b.log.gz", "c.txt", "x/d.log", "x/y/e.log", "[z]/f.log"} {
		d.write(name, "")
	}
	d.must(os.Symlink("nowhere", d.path("dangling.log")))
	tests := []struct {
		name, pattern string
		exclude, want []string
	}{
		{"a file", "a.log", nil, []string{"a.log"}},
		{"a file that is missing", "z.log", nil, nil},
		{"names in one folder", "*.log", nil, []string{"a.log", "b.log"}},
		{"any number of folders", "**/*.log", nil, []string{"[z]/f.log", "a.log", "b.log", "x/d.log", "x/y/e.log"}},
		{"any number of folders below one", "x/**/*.log", nil, []string{"x/d.log", "x/y/e.log"}},
		{"everything below a folder", "x/**", nil, []string{"x/d.log", "x/y/e.log"}},
		{"signs that are escaped", `\[z\]/*`, nil, []string{"[z]/f.log"}},
		{"a name that is excluded", "*", []string{"*.gz", "c*"}, []string{"a.log", "b.log"}},
		{"a path that is excluded", "**/*.log", []string{d.path("x/*")}, []string{"[z]/f.log", "a.log", "b.log", "x/y/e.log"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := match(d.path(tt.pattern), tt.exclude)
			var want []string
			for _, name := range tt.want {
				want = append(want, d.path(name))
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestIsRotated(t *testing.T) {
	tests := []struct {
		name, base string
		want       bool
	}{
		{"a.log.1", "a.log", true},
		{"a.log-20261122", "a.log", true},
		{"a.log.2026-11-22T10:00:00Z", "a.log", true},
		{"a-2026-11-22T02-27-50.000.log", "a.log", true},
		{"a-20261122.log", "a.log", true},
		{"a.log", "a.log", false},
		{"a.log.1.gz", "a.log", false},
		{"a-1.log", "a.log", false}, // more likely the first of several logs
		{"a.log.bak", "a.log", false},
		{"a.log1", "a.log", false},
		{"b.log.1", "a.log", false},
	}
	for _, tt := range tests {
		if got := isRotated(tt.name, tt.base); got != tt.want {
			t.Errorf("%s of %s: got %v", tt.name, tt.base, got)
		}
	}
	for path, want := range map[string]string{"x/a.log.1": "x/a.log", "a.log-20261122": "a.log", "a.log": "", ".1": ""} {
		if got, _ := rotationBase(path); got != want {
			t.Errorf("base of %s: got %q", path, got)
		}
	}
}
