package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// answerCage holds a program that is asked something.
func (r *run) answerCage() *proc.Cage {
	return &proc.Cage{Memory: r.Limits.Memory, File: r.Limits.File, Longest: r.Limits.Answer}
}

// workCage holds a make that builds or tests. There are no limits on memory: compilers and the race detector want much.
func (r *run) workCage() *proc.Cage {
	return &proc.Cage{File: r.Limits.File, Longest: r.Limits.Work}
}

// escaped is the finding of processes that outlived what started them, or nil.
func escaped(cage *proc.Cage, what string) error {
	names := cage.Escaped()
	if len(names) == 0 {
		return nil
	}
	return finding.Finding{
		Rule: "process-left", Where: what, Message: "left running in a session of their own, and killed: " + strings.Join(names, ", "),
		Fix: "end what it starts before it ends itself",
	}
}

// brokenOff is the finding of an examination that went wrong as a whole, or nil: broke says how, for the files of a program
// that is examined are the program's to spoil.
func brokenOff(cage *proc.Cage, broke error) error {
	slow := finding.Finding{
		Rule: "answers-in-time", Where: "examination",
		Fix: "whatever the command line is, answer or fail without waiting for a network or an input, and end when told to: in Go, give ctx to all that waits",
	}
	switch missed := cage.Missed(); {
	case len(missed) > 0:
		slow.Message = missed[0] + "; nothing more was tried"
		return slow
	case errors.Is(broke, context.DeadlineExceeded):
		slow.Message = "all answers together took too long"
		return slow
	case broke != nil:
		return finding.Finding{
			Rule: "examination", Where: "examination", Message: fmt.Sprintf("could not be carried on: %v", broke),
			Fix: "leave the working folder as it is",
		}
	}
	return escaped(cage, "examination")
}

// remains is the finding of processes that nothing tells to be whose.
func remains() []finding.Finding {
	names := proc.Remains()
	if len(names) == 0 {
		return nil
	}
	return []finding.Finding{{
		Rule: "process-left", Where: "connectors", Message: "left running without an environment, and killed: " + strings.Join(names, ", "),
		Fix: "build and test connectors one by one to see whose they are",
	}}
}
