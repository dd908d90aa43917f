package finding

import (
	"slices"
	"testing"
)

func TestErrorIsOnePrintableLine(t *testing.T) {
	tests := []struct {
		name string
		f    Finding
		want string
	}{
		{"whole", Finding{"a-source", "rule", "/x", "is wrong", "mend it"}, "a-source: [rule] /x: is wrong; mend it"},
		{"of the catalog", Finding{Rule: "rule", Message: "is wrong"}, "[rule] is wrong"},
		{"with a line break", Finding{Connector: "a\nb", Rule: "rule", Message: "c\td"}, `a\nb: [rule] c\td`},
		{"with a terminal escape", Finding{Rule: "rule", Message: "a\x1b[2Jb"}, `[rule] a\u001b[2Jb`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.f.Error(); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain\n\té": "plain\n\té", "\r": `\u000d`, "a\u202eb": `a\u202eb`, "\u009b": `\u009b`, "\xff": "\uFFFD", "\ufeff": `\ufeff`,
		"a\u00adb": `a\u00adb`, "a\u200bb": `a\u200bb`, "\u200d": `\u200d`, "\u2060\u2064": `\u2060\u2064`, "\U000e0041": `\U000e0041`,
		"\u2010\u2065\u00ae": "\u2010\u2065\u00ae",
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSortIsTheSameForEveryOrder(t *testing.T) {
	want := []Finding{{Rule: "z"}, {Connector: "a", Rule: "x", Where: "/1"}, {Connector: "a", Rule: "x", Where: "/2"}, {Connector: "b", Rule: "a"}}
	got := []Finding{want[3], want[2], want[0], want[1]}
	if Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
