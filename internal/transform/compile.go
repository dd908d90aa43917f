package transform

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

// Compile prepares the steps. The error lists every step that is wrong, not only the first: it joins a *SyntaxError for
// each. No steps give an empty chain. Files named by @path, and SmartModules, are read here and never again. SmartModules
// are checked, and start with Open.
func Compile(steps []Step, o Options) (*Chain, error) {
	if o.ReadFile == nil {
		o.ReadFile = os.ReadFile
	}
	if o.ReadModule == nil {
		o.ReadModule = o.ReadFile
	}
	c := &Chain{total: len(steps)}
	var errs []error
	for i, s := range steps {
		at := place{i, len(steps)}
		bad := c.add(s, at, o)
		if bad != nil {
			bad.Index, bad.Kind, bad.Expr = i, s.Kind, s.Expr
			errs = append(errs, bad)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// add prepares one step. The error lacks what the caller knows.
func (c *Chain) add(s Step, at place, o Options) *SyntaxError {
	switch {
	case s.Kind != Map && s.Kind != Filter && s.Kind != ArrayMap && s.Kind != Uses:
		return &SyntaxError{Reason: fmt.Sprintf("no such kind of step: use %s, %s, %s or %s", Map, Filter, ArrayMap, Uses)}
	case IsModule(s.Expr):
		m, bad := newModule(s, at, o)
		if bad == nil {
			c.stages = append(c.stages, m)
			c.addAggregate(m)
		}
		return bad
	case s.Kind == Uses:
		return &SyntaxError{Reason: "uses names the file of a SmartModule, which ends in .wasm"}
	}
	code, vars, bad := compile(s, o.ReadFile)
	if bad != nil {
		return bad
	}
	last := len(c.stages) - 1
	if last < 0 || !isExpressions(c.stages[last]) {
		c.stages = append(c.stages, expressions{topic: o.Topic})
		last++
	}
	e := c.stages[last].(expressions)
	e.steps = append(e.steps, step{place: at, kind: s.Kind, code: code, vars: vars})
	c.stages[last] = e
	return nil
}

func isExpressions(s stage) bool {
	_, ok := s.(expressions)
	return ok
}

// IsModule reports whether the text of a step is the path of a SmartModule rather than a jq expression.
func IsModule(expr string) bool { return strings.HasSuffix(strings.TrimSpace(expr), ".wasm") }

// compile prepares an expression.
func compile(s Step, readFile func(string) ([]byte, error)) (*gojq.Code, []variable, *SyntaxError) {
	src, file := s.Expr, ""
	if path, ok := strings.CutPrefix(s.Expr, "@"); ok {
		b, bad := read(path, readFile)
		if bad != nil {
			return nil, nil, bad
		}
		src, file = string(b), path
	}
	code, vars, bad := compileSource(src)
	if bad != nil {
		bad.File, bad.source = file, src
	}
	return code, vars, bad
}

// formats matches the words that jq itself writes with an @, which a user may mean where a file is looked for.
var formats = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:text|json|html|urid?|csv|tsv|sh|base(?:32|64)d?)$`)
})

func read(path string, readFile func(string) ([]byte, error)) ([]byte, *SyntaxError) {
	if path == "" {
		return nil, &SyntaxError{Reason: "no file name after @"}
	}
	b, err := readFile(path)
	if err == nil {
		return b, nil
	}
	reason := err.Error()
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		reason = pathErr.Err.Error() // the path is in the message already
	}
	if format, _, _ := strings.Cut(path, " "); formats().MatchString(format) && errors.Is(err, fs.ErrNotExist) {
		reason += fmt.Sprintf(" (@ names a file; for the jq format write . | @%s)", path)
	}
	return nil, &SyntaxError{File: path, Reason: reason}
}

func compileSource(src string) (*gojq.Code, []variable, *SyntaxError) {
	query, err := gojq.Parse(src)
	if err != nil {
		return nil, nil, parseError(src, err)
	}
	if len(query.Imports) > 0 {
		return nil, nil, &SyntaxError{Reason: "modules cannot be loaded; put the definitions before the expression"}
	}
	vars, names := mentioned(src)
	code, err := gojq.Compile(query, gojq.WithVariables(names), gojq.WithEnvironLoader(func() []string { return nil }))
	if err != nil {
		return nil, nil, compileError(src, err)
	}
	return code, vars, nil
}

// parseError places the token at which gojq stopped; it reports the offset after the token.
func parseError(src string, err error) *SyntaxError {
	parse, ok := errors.AsType[*gojq.ParseError](err)
	if !ok {
		return &SyntaxError{Reason: err.Error()}
	}
	reason := err.Error()
	if reason == "unexpected EOF" {
		reason = "unexpected end of expression"
	}
	e := &SyntaxError{Reason: reason}
	e.Line, e.Column = position(src, parse.Offset-len(parse.Token))
	return e
}

// undefined matches the messages of gojq that name what the expression lacks.
var undefined = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:function|variable|label) not defined: (\$?\w+)`) })

// compileError explains an expression that parses and still cannot run. gojq gives no position here, so the name that it
// complains about is looked up; where that is ambiguous the position stays unknown rather than be wrong.
func compileError(src string, err error) *SyntaxError {
	e := &SyntaxError{Reason: err.Error()}
	name := `inputs?`
	switch m := undefined().FindStringSubmatch(e.Reason); {
	case m != nil:
		name = regexp.QuoteMeta(m[1])
	case strings.HasPrefix(e.Reason, "input(s)/0"):
		e.Reason = "input and inputs are not available: every record is transformed on its own"
	case strings.HasPrefix(e.Reason, "missing query"):
		e.Reason = "there is no expression; write . for the payload as it is"
		return e
	default:
		return e
	}
	if at := regexp.MustCompile(`(?:^|[^\w.$])(`+name+`)\b`).FindAllStringSubmatchIndex(src, 2); len(at) == 1 {
		e.Line, e.Column = position(src, at[0][2])
	}
	return e
}

// position turns a byte offset into a line and a column, both from 1; the column counts characters.
func position(src string, offset int) (line, column int) {
	before := src[:min(max(offset, 0), len(src))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}
