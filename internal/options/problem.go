package options

import (
	"fmt"
	"strings"
)

// An Origin says where a value was given.
type Origin struct {
	Kind OriginKind
	Name string // the environment variable, or the path of the file
	Line int    // in the file, from 1; 0 when unknown

	Former string // the former name of the option that was used; empty for its present one, and for flags
}

// OriginKind is one of the places that a value may come from. A lower kind overrides a higher one.
type OriginKind int

// The places in the order of their precedence.
const (
	FromFlag OriginKind = iota
	FromEnv
	FromFile
	FromDefault
	FromDocument // a line of validate --batch
)

// A Problem is one thing wrong with the options as given, told so that the reader can mend it.
type Problem struct {
	Option   string // flag name without dashes; empty when the problem belongs to no single option
	Origin   Origin
	Message  string // what is wrong
	Fix      string // how to mend it; may be empty
	Semantic bool   // found by a check that the schema has no words for
}

// Error tells the problem in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	switch {
	case p.Option == "" && p.Origin.Kind == FromFile:
		fmt.Fprintf(&b, "%s: ", p.Origin.place())
	case p.Option != "" && (p.Origin.Kind == FromFile || p.Origin.Kind == FromEnv):
		fmt.Fprintf(&b, "--%s (%s): ", p.Option, p.Origin.place())
	case p.Option != "":
		fmt.Fprintf(&b, "--%s: ", p.Option)
	}
	b.WriteString(p.Message)
	if p.Fix != "" {
		b.WriteString("; ")
		b.WriteString(p.Fix)
	}
	return b.String()
}

func (o Origin) place() string {
	if o.Kind == FromFile && o.Line > 0 {
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	}
	return o.Name
}
