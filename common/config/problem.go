package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A Problem is one thing that is wrong with a config file. It never holds a value that stood under secrets or that came
// from a reference.
type Problem struct {
	// File is the path of the config file.
	File string
	// Line and Column count from 1; 0 means that the problem has no place in the file.
	Line, Column int
	// Key is the path of the key, such as parameters.interval; empty if the problem is with the file as a whole.
	Key string
	// Message says what is wrong.
	Message string
	// Fix says what to do about it; empty if Message leaves no question.
	Fix string
}

// Error gives the problem as one line: file:line:column: key: message; fix.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(oneLine(p.File))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
		if p.Column > 0 {
			fmt.Fprintf(&b, ":%d", p.Column)
		}
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(oneLine(p.Key) + ": ")
	}
	b.WriteString(p.Message)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// An Error lists every problem of one config file, in the order of the file.
type Error struct {
	Problems []Problem
}

// Error gives the problems, one a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems as errors.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p
	}
	return errs
}

// sortProblems puts problems in the order of the file and drops what an alias made the walk meet again.
func sortProblems(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	type place struct {
		line, column int
		message      string
	}
	seen := map[place]bool{}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		at := place{p.Line, p.Column, p.Message}
		defer func() { seen[at] = true }()
		return seen[at]
	})
}

// reason is what went wrong with a file, without the path that the message already names.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// oneLine quotes text that would break a message's line.
func oneLine(text string) string {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return strconv.Quote(text)
	}
	return text
}

var (
	_ error = Problem{}
	_ error = (*Error)(nil)
)
