// Package config reads and writes the file that a connector takes by --config.
//
// The file is YAML or JSON. Its top-level keys are name, type, version, topic, parameters, secrets and transforms; the
// connector's own options stand under parameters or secrets. Reading reports every problem of a file at once, each with
// its line and what to do about it, and never guesses: a key that nobody knows, a key given twice, a null, a number that
// only some YAML readers take for a number, and a tag outside the core schema are all refused.
//
// Scalars follow YAML 1.2: true and false (also True, TRUE, False, FALSE) are booleans; yes, no, on, off, dates and times
// are text. A number is what JSON calls a number and keeps its text, however long; spellings on which YAML versions
// disagree, or which JSON does not have (0x1F, 017, 1_000, +1, .5, .inf), must be written in decimal or quoted as text.
//
// In a file, and only there, a whole scalar may be a reference, ${env:NAME} or ${file:PATH}; $${ stands for a literal ${.
// Keys hold no references and no escapes.
//
// The package is a leaf: it knows nothing of flags, connectors or transports. All its functions may be used concurrently.
package config

import (
	"io"
	"os"
	"path/filepath"
	"time"
)

const (
	// MaxBytes is how large a config file, or a file that it refers to, may be. Aliases may add as much again.
	MaxBytes = 1 << 20
	// MaxDepth is how deep lists and mappings may nest, the file's own mapping included.
	MaxDepth = 64
)

// A File is what a config file says, with its references resolved.
type File struct {
	// Path is the path as it was given to Read or Parse.
	Path string
	// Name, Type, Version and Topic hold text; nil means that the key is absent.
	Name, Type, Version, Topic *Value
	// Parameters holds what stood under parameters and secrets, by hyphenated key. It is never nil.
	Parameters map[string]Value
	// Transforms are in the file's order.
	Transforms []Transform
	// Notes tell of keys that are accepted and have no effect, a line each.
	Notes []string
}

// A Value is one value of a config file.
type Value struct {
	// Any is the value in its JSON form: string, json.Number, bool, []any or map[string]any. It is nil only beside an error,
	// for a value that cannot be used.
	Any any
	// Line is where the value's key stands, counted from 1.
	Line int
	// Reference says that the whole value came from ${env:} or ${file:}: Any is a string, to be read as a flag's text is.
	Reference bool
	// Secret says that the value stood under secrets.
	Secret bool
	// Redact says that the value must appear in no message: it is Secret, or a part of it came from a reference.
	Redact bool
}

// A Transform is one step of the transforms list.
type Transform struct {
	// Kind is map, filter, arraymap or uses.
	Kind string
	// Text is the expression, or the path of a SmartModule: for uses, and where it ends in .wasm.
	Text string
	// With holds the module's parameters in their JSON form; nil if there are none.
	With map[string]any
	// LookBack says which earlier records the module is shown; nil for none.
	LookBack *LookBack
	// Initial is what a module that aggregates begins with, in its JSON form; nil if the file does not say.
	Initial any
	// Line is where Kind stands, counted from 1.
	Line int
	// Redact says that Text, Initial or a part of With came from a reference and must appear in no message.
	Redact bool
}

// A LookBack bounds the records that a SmartModule is shown.
type LookBack struct {
	Last int           // how many at the most, 1 or more
	Age  time.Duration // how old at the most; 0 means any age
}

// Env is the world that references reach. A nil function means the real one.
type Env struct {
	// LookupEnv finds an environment variable, as os.LookupEnv does.
	LookupEnv func(name string) (string, bool)
	// ReadFile reads a file whole, as os.ReadFile does. Read takes the config file itself from it too.
	ReadFile func(path string) ([]byte, error)
}

// Read reads the config file at path. It blocks for as long as the file and the files it refers to do. The error is an
// *Error that lists every problem of the file. Beside it stands what could be read, so that a caller can look for further
// problems; it is nil if that is nothing.
func Read(path string, env Env) (*File, error) {
	env = env.withDefaults()
	data, err := env.ReadFile(path)
	if err != nil {
		return nil, &Error{Problems: []Problem{{File: path, Message: "cannot be read: " + reason(err)}}}
	}
	return Parse(path, data, env)
}

// Parse is Read for a file whose content is at hand. The path serves for messages, for telling JSON by the ending .json,
// and as what relative references start from.
func Parse(path string, data []byte, env Env) (*File, error) {
	root, problem := parse(path, data)
	if problem != nil {
		problem.File = path
		return nil, &Error{Problems: []Problem{*problem}}
	}
	b := binder{
		file:       &File{Path: path, Parameters: map[string]Value{}},
		references: references{env: env.withDefaults(), dir: filepath.Dir(path), known: map[string]resolved{}},
	}
	b.bind(root)
	if len(b.problems) > 0 {
		return b.file, &Error{Problems: b.problems}
	}
	return b.file, nil
}

func (e Env) withDefaults() Env {
	if e.LookupEnv == nil {
		e.LookupEnv = os.LookupEnv
	}
	if e.ReadFile == nil {
		e.ReadFile = readFile
	}
	return e
}

// readFile reads at most one byte more than a config file may hold, so that an endless file is refused and not read.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return io.ReadAll(io.LimitReader(f, MaxBytes+1))
}
