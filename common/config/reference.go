package config

import (
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	envStart  = "${env:"
	fileStart = "${file:"
)

var variableName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

// references resolves the scalars of one file. Each distinct reference is resolved once, so that all its uses agree.
type references struct {
	env   Env
	dir   string
	known map[string]resolved
}

type resolved struct {
	text, message, fix string
}

// expand gives what a scalar's text stands for, and whether it was a reference. The message, if any, says what is wrong
// and holds neither the text nor what it refers to.
func (r *references) expand(s string) (value string, reference bool, message, fix string) {
	if isReference(s) {
		known, ok := r.known[s]
		if !ok {
			known = r.resolve(s)
			r.known[s] = known
		}
		return known.text, true, known.message, known.fix
	}
	literal, ok := unescape(s)
	if !ok {
		return "", false, "a reference must be the whole value",
			"make ${env:…} or ${file:…} the whole value, or write $${ for a literal ${"
	}
	return literal, false, "", ""
}

// isReference says whether s is ${env:…} or ${file:…} and nothing else.
func isReference(s string) bool {
	return (strings.HasPrefix(s, envStart) || strings.HasPrefix(s, fileStart)) && strings.IndexByte(s, '}') == len(s)-1
}

// unescape turns each $${ into ${, from left to right. It is false where an unescaped reference starts.
func unescape(s string) (string, bool) {
	if !strings.Contains(s, "${") {
		return s, true
	}
	var b strings.Builder
	for s != "" {
		switch {
		case strings.HasPrefix(s, "$${"):
			b.WriteString("${")
			s = s[len("$${"):]
		case strings.HasPrefix(s, envStart), strings.HasPrefix(s, fileStart):
			return "", false
		default:
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String(), true
}

// escape is the inverse of unescape: whatever s holds, expand gives it back and takes it for no reference.
func escape(s string) string { return strings.ReplaceAll(s, "${", "$${") }

func (r *references) resolve(s string) resolved {
	if name, ok := strings.CutPrefix(strings.TrimSuffix(s, "}"), envStart); ok {
		return r.variable(name)
	}
	return r.content(s[len(fileStart) : len(s)-1])
}

func (r *references) variable(name string) resolved {
	if !variableName().MatchString(name) {
		return resolved{message: "the reference names no environment variable", fix: "write ${env:NAME}"}
	}
	value, ok := r.env.LookupEnv(name)
	switch {
	case !ok:
		return resolved{message: "environment variable " + name + " is not set", fix: "set it, or write the value"}
	case !utf8.ValidString(value):
		return resolved{message: "environment variable " + name + " does not hold UTF-8 text"}
	}
	return resolved{text: value}
}

func (r *references) content(path string) resolved {
	if path == "" {
		return resolved{message: "the reference names no file", fix: "write ${file:PATH}"}
	}
	full := path
	if !filepath.IsAbs(full) {
		full = filepath.Join(r.dir, full)
	}
	data, err := r.env.ReadFile(full)
	switch {
	case err != nil:
		return resolved{message: "cannot read file " + oneLine(full) + ": " + reason(err)}
	case len(data) > MaxBytes:
		return resolved{message: "file " + oneLine(full) + " is larger than 1 MiB"}
	case !utf8.Valid(data):
		return resolved{message: "file " + oneLine(full) + " does not hold UTF-8 text"}
	}
	s, newline := strings.CutSuffix(string(data), "\n")
	if newline {
		s = strings.TrimSuffix(s, "\r")
	}
	return resolved{text: s}
}
