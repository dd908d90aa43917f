package readme

import (
	"errors"
	"testing"
)

func TestReplace(t *testing.T) {
	const old = "# x\n\n<!-- options:begin (whatever) -->\nold\n<!-- options:end -->\n\nafter\n"
	got, err := Replace([]byte(old), Options, []byte("new\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := "# x\n\n" + Begin(Options) + "\n\nnew\n\n" + End(Options) + "\n\nafter\n"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	again, err := Replace(got, Options, []byte("new"))
	if err != nil || string(again) != want {
		t.Errorf("a second time gives %q, %v", again, err)
	}
	if a, b := Strip([]byte(old)), Strip(got); string(a) != string(b) {
		t.Errorf("what people wrote differs: %q, %q", a, b)
	}
}

func TestReplaceRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		none       bool
	}{
		{"no block", "# x\n", true},
		{"another block only", "<!-- connectors:begin -->\n<!-- connectors:end -->\n", true},
		{"no end", "<!-- options:begin -->\n", false},
		{"no begin", "<!-- options:end -->\n", false},
		{"two blocks", "<!-- options:begin -->\n<!-- options:end -->\n<!-- options:begin -->\n<!-- options:end -->\n", false},
		{"a marker within a line", "see <!-- options:begin --> and <!-- options:end -->\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Replace([]byte(tt.text), Options, nil)
			if err == nil || errors.Is(err, ErrNoBlock) != tt.none {
				t.Errorf("error %v", err)
			}
		})
	}
}
