package transform

import (
	"fmt"
	"strings"
)

// A SyntaxError says why a step cannot be compiled, and where in the expression.
type SyntaxError struct {
	// Index is the place of the step in the list given to Compile, from 0.
	Index int
	Kind  Kind
	// Expr is the step as the user wrote it.
	Expr string
	// File is the path of the file that holds the expression; empty if Expr does.
	File string
	// Line and Column are where the problem begins, from 1, the column in characters; both are 0 where that is unknown.
	Line, Column int
	// Reason is what is wrong, in one line.
	Reason string

	source string // the expression itself
}

// maxExcerpt bounds, in bytes, how much of an expression a message repeats.
const maxExcerpt = 100

// Error is one line: the flag, the expression or its file, the reason and the position.
func (e *SyntaxError) Error() string {
	reason := oneLine(e.Reason, maxReason)
	if e.File != "" {
		where := e.File
		if e.Line > 0 {
			where = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
		}
		return fmt.Sprintf("--%s: %s: %s", e.Kind, where, reason)
	}
	switch {
	case e.Line == 0:
	case strings.Contains(e.source, "\n"):
		reason += fmt.Sprintf(" at line %d, column %d", e.Line, e.Column)
	default:
		reason += fmt.Sprintf(" at column %d", e.Column)
	}
	excerpt := e.Expr
	if lines := strings.Split(e.source, "\n"); e.Line > 0 && e.Line <= len(lines) {
		excerpt = lines[e.Line-1]
	}
	if strings.TrimSpace(excerpt) == "" {
		return fmt.Sprintf("--%s: %s", e.Kind, reason)
	}
	return fmt.Sprintf("--%s: %s: %s", e.Kind, oneLine(excerpt, maxExcerpt), reason)
}

var _ error = (*SyntaxError)(nil)
