// Package schema compiles JSON Schemas that strangers wrote and applies them, and holds the published schemas of the
// metadata document and of the catalog's index.
//
// It stands apart from package metadata because the validator it links costs a program 8 ms at start, which a connector
// that only prints its metadata must not pay. It reads no file and opens no connection: a schema that refers to another
// document is refused.
package schema

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Metadata is the published JSON Schema (draft-07) of the metadata document.
//
//go:embed metadata.v1.json
var Metadata []byte

// Index is the published JSON Schema (draft-07) of the catalog's index.
//
//go:embed index.v1.json
var Index []byte

// Source holds this package's own files: what evidence is worth that a validator gave depends on what it accepts.
//
//go:embed *.go
var Source embed.FS

// ErrForeign is the reason for which a schema that refers to another document does not compile.
var ErrForeign = errors.New("a schema must be complete in itself: references to other documents are not followed")

// A Problem is one way in which a document breaks a schema.
type Problem struct {
	Pointer string // JSON pointer to the value, empty for the whole document
	Message string
}

// String writes the problem on one line.
func (p Problem) String() string {
	if p.Pointer == "" {
		return p.Message
	}
	return p.Pointer + ": " + p.Message
}

// A Schema is a compiled JSON Schema. It may be used concurrently.
type Schema struct{ compiled *jsonschema.Schema }

// Compile compiles a JSON Schema in the draft that it names (2020-12 if none). It fails with ErrForeign where the schema
// refers to another document.
func Compile(text []byte) (*Schema, error) {
	value, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return CompileValue(value)
}

// CompileValue is Compile for a schema that Parse decoded, which must not be changed any more.
func CompileValue(value any) (*Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.UseRegexpEngine(compilePattern)
	// Relative references need a base with a path, or they would resolve to the document itself.
	const url = "https://schema.invalid/document"
	if err := c.AddResource(url, value); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(url)
	var load *jsonschema.LoadURLError
	if errors.As(err, &load) {
		return nil, fmt.Errorf("%s: %w", load.URL, ErrForeign)
	}
	if err != nil {
		return nil, err
	}
	return &Schema{compiled}, nil
}

// Property returns what the schema says of one property of an object, as a schema of its own that keeps the draft and the
// definitions of the whole. It tells whether the schema names the property.
func (s *Schema) Property(name string) (*Schema, bool) {
	compiled, ok := s.compiled.Properties[name]
	if !ok {
		return nil, false
	}
	return &Schema{compiled}, true
}

// Parse decodes one JSON value as Validate wants it: numbers keep their text.
func Parse(text []byte) (any, error) { return jsonschema.UnmarshalJSON(bytes.NewReader(text)) }

// Validate returns every problem of a value that Parse decoded, sorted by pointer; none means that the value is valid.
func (s *Schema) Validate(value any) []Problem {
	err := s.compiled.Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []Problem{{Message: err.Error()}}
	}
	problems := leaves(nil, invalid)
	slices.SortFunc(problems, func(a, b Problem) int {
		return strings.Compare(a.Pointer+"\x00"+a.Message, b.Pointer+"\x00"+b.Message)
	})
	return slices.Compact(problems)
}

// Valid tells whether a value that Parse decoded has no problem, in less time than it takes to put them into words.
func (s *Schema) Valid(value any) bool { return s.compiled.Validate(value) == nil }

// ValidateText is Validate for JSON text.
func (s *Schema) ValidateText(text []byte) []Problem {
	value, err := Parse(text)
	if err != nil {
		return []Problem{{Message: err.Error()}}
	}
	return s.Validate(value)
}

// ValidateMetadata holds JSON text against the published schema of the metadata document. It returns the document too, as
// Parse decodes it, unless it is no JSON.
func ValidateMetadata(text []byte) (document any, problems []Problem) {
	document, err := Parse(text)
	if err != nil {
		return nil, []Problem{{Message: err.Error()}}
	}
	return document, metaMetadata().Validate(document)
}

// ValidName tells whether the published schema of the metadata document accepts a connector's name.
func ValidName(name string) bool { return metaName().Valid(name) }

// ValidateIndex holds JSON text against the published schema of the index.
func ValidateIndex(text []byte) []Problem { return metaIndex().ValidateText(text) }

var (
	metaMetadata = sync.OnceValue(func() *Schema { return mustCompile(Metadata) })
	metaIndex    = sync.OnceValue(func() *Schema { return mustCompile(Index) })
	metaName     = sync.OnceValue(func() *Schema {
		name, _ := metaMetadata().Property("name")
		return name
	})
	english = message.NewPrinter(language.English)
)

// mustCompile compiles a schema that is part of this program, so that a failure is a mistake in the program.
func mustCompile(text []byte) *Schema {
	s, err := Compile(text)
	if err != nil {
		panic(fmt.Sprintf("embedded schema: %v", err))
	}
	return s
}

// leaves collects the causes at the ends of the tree. A failed choice is told as itself: what each branch lacks would
// be noise.
func leaves(problems []Problem, e *jsonschema.ValidationError) []Problem {
	switch e.ErrorKind.(type) {
	case *kind.PropertyNames:
		// The validator does not keep the place of a name; the message holds the name itself.
		for _, cause := range e.Causes {
			problems = append(problems, Problem{Message: "property name " + cause.ErrorKind.LocalizedString(english)})
		}
		return problems
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
	default:
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				problems = leaves(problems, cause)
			}
			return problems
		}
	}
	return append(problems, Problem{Pointer: Pointer(e.InstanceLocation...), Message: e.ErrorKind.LocalizedString(english)})
}

// Pointer joins keys into a JSON pointer, escaping them as RFC 6901 says.
func Pointer(keys ...string) string {
	var b strings.Builder
	for _, key := range keys {
		b.WriteByte('/')
		b.WriteString(pointerEscapes.Replace(key))
	}
	return b.String()
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// patterns keeps compiled patterns by their text. The schemas of connectors share most of theirs, the compiler wants each
// twice (once to see that it is one), and one of many alternatives takes a millisecond.
var patterns sync.Map

// compilePattern is regexp.Compile with a memory. A program that meets endless different patterns would keep them all;
// the schemas of one run are few.
func compilePattern(text string) (jsonschema.Regexp, error) {
	if known, ok := patterns.Load(text); ok {
		return known.(*regexp.Regexp), nil
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	patterns.Store(text, compiled)
	return compiled, nil
}

// noLoader refuses every reference to another document: the default loader reads local files.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) { return nil, fmt.Errorf("%s: %w", url, ErrForeign) }

var _ jsonschema.URLLoader = noLoader{}
