package cloudevents

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxReason bounds a text of the other side in an error, in runes.
const maxReason = 200

// oneLine makes a text of the other side fit for an error: one line, no control characters, bounded.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(c rune) bool {
		return unicode.IsSpace(c) || !unicode.IsGraphic(c)
	}), " ")
	if utf8.RuneCountInString(s) > maxReason {
		s = string([]rune(s)[:maxReason]) + "…"
	}
	return s
}

func basicCredentials(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
