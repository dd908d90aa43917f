package connector

import (
	"strconv"
	"strings"
	"unicode"
)

// MaxLine is how much OneLine keeps of a text, in bytes.
const MaxLine = 8 << 10

// OneLine makes text fit to be a part of a line: whatever a terminal would not just show is written as in Go, like \n or
// \x1b, and what is too long is cut.
func OneLine(text string) string {
	end := ""
	if len(text) > MaxLine {
		text, end = strings.ToValidUTF8(text[:MaxLine], ""), "…"
	}
	text = strings.ToValidUTF8(text, "\ufffd")
	if !strings.ContainsFunc(text, hidden) {
		return text + end
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String() + end
}

func hidden(r rune) bool { return !unicode.IsPrint(r) }
