// Package words splits a line into words as a POSIX shell would that expands nothing.
package words

import (
	"errors"
	"strings"
)

// special are the characters that mean more to a shell than themselves where they are not quoted, and those that do so even
// between double quotes.
const (
	special       = "|&;<>()$`*?[]{}#~!\n"
	specialQuoted = "$`"
)

// Split splits a line at blanks. Single quotes, double quotes and backslashes keep together and keep apart as in a shell; every
// other character stands for itself. plain says that a shell would have come to the same words, because nothing in the line
// means more to it. The error says that a quote has no end; it holds no part of the line.
func Split(line string) (words []string, plain bool, err error) {
	s := splitter{plain: true}
	for _, r := range line {
		s.next(r)
	}
	if s.quote != 0 || s.escaped {
		return nil, false, errors.New("a quote or a backslash at the end has nothing that ends it")
	}
	s.end()
	return s.words, s.plain, nil
}

type splitter struct {
	words   []string
	plain   bool
	word    strings.Builder
	inWord  bool
	quote   rune // ' or " while inside of such; 0 outside
	escaped bool // the last character was a backslash that quotes this one
}

func (s *splitter) next(r rune) {
	switch {
	case s.escaped:
		s.escaped = false
		if r == '\n' { // a shell joins the lines
			return
		}
		if s.quote == '"' && !strings.ContainsRune("$`\"\\", r) { // there, it quotes only what needs it
			s.word.WriteByte('\\')
		}
		s.word.WriteRune(r)
	case r == '\\' && s.quote != '\'':
		s.escaped, s.inWord = true, true
	case s.quote != 0 && r == s.quote:
		s.quote = 0
	case s.quote != 0:
		s.plain = s.plain && (s.quote == '\'' || !strings.ContainsRune(specialQuoted, r))
		s.word.WriteRune(r)
	case r == '\'' || r == '"':
		s.quote, s.inWord = r, true
	case r == ' ' || r == '\t' || r == '\n' || r == '\r':
		s.plain = s.plain && r != '\n' && r != '\r' // a shell would run two commands, or keep a carriage return
		s.end()
	default:
		// An assignment before a command is not a word of it.
		assigns := r == '=' && len(s.words) == 0
		s.plain = s.plain && !assigns && !strings.ContainsRune(special, r)
		s.word.WriteRune(r)
		s.inWord = true
	}
}

func (s *splitter) end() {
	if s.inWord {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.inWord = false
}
