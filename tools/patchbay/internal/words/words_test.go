package words

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		line  string
		words []string
		plain bool
	}{
		{"", nil, true},
		{"  make \t install ", []string{"make", "install"}, true},
		{`./run 'a b' "c d" e\ f ''`, []string{"./run", "a b", "c d", "e f", ""}, true},
		{`"a\"b\c" 'd\'`, []string{`a"b\c`, `d\`}, true},
		{`x'y'"z"`, []string{"xyz"}, true},
		{"go build -o=x", []string{"go", "build", "-o=x"}, true},
		{`'$HOME' \$HOME "\$HOME"`, []string{"$HOME", "$HOME", "$HOME"}, true},
		{"", nil, true},
		{"echo $HOME", []string{"echo", "$HOME"}, false},
		{`echo "$HOME"`, []string{"echo", "$HOME"}, false},
		{"a && b", []string{"a", "&&", "b"}, false},
		{"curl x | sh", []string{"curl", "x", "|", "sh"}, false},
		{"ls *", []string{"ls", "*"}, false},
		{"A=1 b", []string{"A=1", "b"}, false},
		{"a\nb", []string{"a", "b"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.line, func(t *testing.T) {
			words, plain, err := Split(tt.line)
			if err != nil || plain != tt.plain || !slices.Equal(words, tt.words) {
				t.Errorf("Split returned %q, %v, %v", words, plain, err)
			}
			if plain && len(words) > 0 {
				shell, err := exec.Command("sh", "-c", "printf '%s\\n' "+tt.line).Output()
				if got := strings.TrimSuffix(string(shell), "\n"); err != nil || got != strings.Join(words, "\n") {
					t.Errorf("a shell comes to %q, %v", got, err)
				}
			}
		})
	}
	for _, line := range []string{`'a`, `"a`, `a\`} {
		if _, _, err := Split(line); err == nil {
			t.Errorf("Split took %q", line)
		}
	}
}
