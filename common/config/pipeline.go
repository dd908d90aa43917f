package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Pipeline is what a pipeline file says: a source joined to a sink.
type Pipeline struct {
	// Path is the path as it was given to ReadPipeline.
	Path string
	// Name is the pipeline's; without the key name, it is the name of the file without its ending.
	Name string
	// Source and Sink are the two sides.
	Source, Sink Side
	// DeadLetter is the path of the file that keeps dead letters; empty if the pipeline has none.
	DeadLetter string
}

// A Side is one side of a pipeline: a connector's config file without name and topic.
type Side struct {
	// Type names the connector, or is the path of its program.
	Type string
	// Line is where the side's key stands, counted from 1.
	Line int

	node *node
	dir  string // what relative references start from
}

var (
	pipelineKeys = []string{"name", "source", "sink", "dead_letter"}
	sideKeys     = []string{"type", "version", "parameters", "secrets", "transforms"}
	pipelineName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$`) })
)

// ReadPipeline reads the pipeline file at path, YAML or JSON. It judges the shape of the file; what stands below parameters,
// secrets and transforms is the connector's to judge, who also resolves the references there. The error is an *Error that
// lists every problem. Beside it stands what could be read; it is nil if that is nothing.
func ReadPipeline(path string, env Env) (*Pipeline, error) {
	env = env.withDefaults()
	data, err := env.ReadFile(path)
	if err != nil {
		return nil, &Error{Problems: []Problem{{File: path, Message: "cannot be read: " + reason(err)}}}
	}
	root, problem := parse(path, data)
	if problem != nil {
		problem.File = path
		return nil, &Error{Problems: []Problem{*problem}}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, &Error{Problems: []Problem{{File: path, Message: "has no absolute path: " + reason(err)}}}
	}
	b := pipelineBinder{
		binder: binder{
			file:       &File{Path: path, Parameters: map[string]Value{}},
			references: references{env: env, dir: dir, known: map[string]resolved{}},
		},
		p: &Pipeline{Path: path},
	}
	b.bindPipeline(root)
	if len(b.problems) > 0 {
		return b.p, &Error{Problems: sortProblems(b.problems)}
	}
	return b.p, nil
}

type pipelineBinder struct {
	binder
	p *Pipeline
}

func (b *pipelineBinder) bindPipeline(root *node) {
	if root.kind != mapping {
		b.problem(root.line, root.column, "", "the file is "+root.kind.String()+" and not a mapping",
			"its keys are "+strings.Join(pipelineKeys, ", "))
		return
	}
	base := filepath.Base(b.p.Path)
	b.p.Name = strings.TrimSuffix(base, filepath.Ext(base))
	line, column, key := 1, 0, ""
	for _, e := range b.unique(root, "", false) {
		switch e.key {
		case "name":
			b.p.Name, line, column, key = b.text(e, "name"), e.value.line, e.value.column, "name"
		case "source":
			b.p.Source = b.side(e)
		case "sink":
			b.p.Sink = b.side(e)
		case "dead_letter", "dead-letter":
			b.deadLetter(e)
		default:
			b.unknown(e, e.key, pipelineKeys)
		}
	}
	for _, side := range []struct {
		key  string
		line int
	}{{"source", b.p.Source.Line}, {"sink", b.p.Sink.Line}} {
		if side.line == 0 {
			b.problem(1, 0, side.key, "the key is missing", "write "+side.key+": {type: …, parameters: {…}}")
		}
	}
	if len(b.problems) == 0 && !pipelineName().MatchString(b.p.Name) {
		fix := "name must be letters, digits, dots, dashes and underscores, at most 120, and begin with a letter or digit"
		if key == "" {
			fix = "write name, which is the name of the file otherwise: " + strings.TrimPrefix(fix, "name must be ")
		}
		b.problem(line, column, key, strconv.Quote(b.p.Name)+" cannot be a pipeline's name", fix)
	}
}

// unknown reports a key that is not among those there are.
func (b *pipelineBinder) unknown(e entry, path string, keys []string) {
	fix := "the keys are " + strings.Join(keys, ", ")
	if nearest := Nearest(e.key, keys); nearest != "" {
		fix = "did you mean " + nearest + "?"
	}
	b.problem(e.line, e.column, path, "unknown key", fix)
}

// text reads a scalar that must be text.
func (b *pipelineBinder) text(e entry, path string) string {
	v, ok := b.value(e, path, false)
	if !ok {
		return ""
	}
	s, ok := v.Any.(string)
	if !ok || s == "" {
		what := "empty"
		if !ok {
			what = e.value.kind.String() + " and not text"
		}
		b.problem(e.value.line, e.value.column, path, "the value is "+what, "write a text, in quotes if need be")
	}
	return s
}

func (b *pipelineBinder) deadLetter(e entry) {
	if !b.is(e.value, mapping, e.key) {
		return
	}
	for _, f := range b.unique(e.value, e.key, false) {
		if f.key != "file" {
			b.unknown(f, join(e.key, f.key), []string{"file"})
			continue
		}
		if path := b.text(f, join(e.key, f.key)); path != "" {
			b.p.DeadLetter = b.absolute(path)
		}
	}
	if b.p.DeadLetter == "" && len(b.problems) == 0 {
		b.problem(e.line, e.column, e.key, "it says nothing", "write dead_letter: {file: PATH}")
	}
}

func (b *pipelineBinder) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(b.references.dir, path)
}

func (b *pipelineBinder) side(e entry) Side {
	s := Side{Line: e.line, node: &node{kind: mapping, line: e.value.line}, dir: b.references.dir}
	if !b.is(e.value, mapping, e.key) {
		return s
	}
	typed := false
	for _, f := range b.unique(e.value, e.key, false) {
		path := join(e.key, f.key)
		switch f.key {
		case "type":
			typed = true
			if s.Type = b.text(f, path); strings.ContainsRune(s.Type, filepath.Separator) {
				s.Type = b.absolute(s.Type)
			}
		case "name":
			b.problem(f.line, f.column, path, "both sides have the pipeline's name", "remove it, or write name at the top")
		case "topic":
			b.problem(f.line, f.column, path, "a pipeline has no topic between its sides", "remove it")
		default:
			if !slices.Contains(sideKeys, f.key) {
				b.unknown(f, path, sideKeys)
				f.key = Nearest(f.key, []string{"parameters", "secrets"}) // what stands below is not missing for that
			}
			b.check(f.value, path)
			if f.key != "" {
				s.node.entries = append(s.node.entries, f)
			}
		}
	}
	if !typed {
		b.problem(e.line, e.column, e.key, "the key type is missing", "write the name of a connector, or the path of a program")
	}
	return s
}

// check reports what could not be handed to the connector as it stands.
func (b *pipelineBinder) check(n *node, path string) {
	if n.kind == invalid {
		b.problem(n.line, n.column, path, n.message, n.fix)
	}
	if n.kind == text && strings.HasPrefix(n.text, fileStart) && isReference(n.text) &&
		!isReference(absoluteReference(n.text, b.references.dir)) {
		b.problem(n.line, n.column, path, "the folder of this file has a } in its name", "write an absolute path after file:")
	}
	for i, item := range n.items {
		b.check(item, path+"["+strconv.Itoa(i)+"]")
	}
	for _, e := range n.entries {
		if e.message != "" {
			b.problem(e.line, e.column, path, e.message, e.fix)
		}
		b.check(e.value, path)
	}
}

// Option reports whether the side says something of an option, under parameters or secrets, and returns it if it is a
// scalar, as it is written.
func (s Side) Option(name string) (text string, given bool) {
	for _, e := range s.node.entries {
		if e.key != "parameters" && e.key != "secrets" {
			continue
		}
		for _, f := range e.value.entries {
			if strings.ReplaceAll(f.key, "_", "-") == name {
				return f.value.text, true
			}
		}
	}
	return "", false
}

// JSON gives the side as a connector's config file in JSON. Everything stands in the line in which it stands in the pipeline
// file, so that a message about a line of the one is about the same line of the other. References stay what they are, with
// relative paths made absolute. typed says whether to name the type; parameters, which are
// strings, integers and booleans, are added and replace what the side says.
func (s Side) JSON(typed bool, parameters map[string]any) []byte {
	root := &node{kind: mapping, line: s.node.line}
	if typed {
		root.entries = append(root.entries, entry{key: "type", value: &node{text: escape(s.Type)}})
	}
	added := false
	for _, e := range s.node.entries {
		if (e.key == "parameters" || e.key == "secrets") && e.value.kind == mapping {
			own := *e.value
			own.entries = slices.DeleteFunc(slices.Clone(own.entries), func(f entry) bool {
				_, replaced := parameters[strings.ReplaceAll(f.key, "_", "-")]
				return replaced
			})
			if e.key == "parameters" && !added {
				own.entries, added = append(own.entries, entriesOf(parameters)...), true
			}
			e.value = &own
		}
		root.entries = append(root.entries, e)
	}
	if !added && len(parameters) > 0 {
		root.entries = append(root.entries, entry{key: "parameters", value: &node{kind: mapping, entries: entriesOf(parameters)}})
	}
	w := lineWriter{line: 1, dir: s.dir}
	w.value(root)
	return append(w.out, '\n')
}

func entriesOf(parameters map[string]any) (entries []entry) {
	for key, value := range parameters {
		n := &node{text: fmt.Sprint(value)}
		switch value.(type) {
		case bool:
			n.kind = boolean
		case int:
			n.kind = number
		default:
			n.text = escape(n.text)
		}
		entries = append(entries, entry{key: key, value: n})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return entries
}

// lineWriter writes nodes as JSON, each in its line.
type lineWriter struct {
	out  []byte
	line int
	dir  string
}

// reach moves on to a line. One that is past already, as that of an alias, is not gone back to.
func (w *lineWriter) reach(line int) {
	for ; w.line < line; w.line++ {
		w.out = append(w.out, '\n')
	}
}

func (w *lineWriter) value(n *node) {
	w.reach(n.line)
	switch n.kind {
	case number:
		w.out = append(w.out, n.text...)
	case boolean:
		w.out = strconv.AppendBool(w.out, strings.EqualFold(n.text, "true"))
	case null:
		w.out = append(w.out, "null"...)
	case list:
		w.out = append(w.out, '[')
		for i, item := range n.items {
			w.separate(i)
			w.value(item)
		}
		w.out = append(w.out, ']')
	case mapping:
		w.out = append(w.out, '{')
		for i, e := range n.entries {
			w.separate(i)
			w.reach(e.line)
			w.text(e.key)
			w.out = append(w.out, ':')
			w.value(e.value)
		}
		w.out = append(w.out, '}')
	default:
		w.text(absoluteReference(n.text, w.dir))
	}
}

func (w *lineWriter) separate(i int) {
	if i > 0 {
		w.out = append(w.out, ',')
	}
}

func (w *lineWriter) text(s string) {
	quoted, _ := json.Marshal(s) // a string of valid UTF-8, as the file is
	w.out = append(w.out, quoted...)
}

// absoluteReference makes the path of a ${file:} absolute; any other text stays as it is.
func absoluteReference(s, dir string) string {
	path, ok := strings.CutPrefix(s, fileStart)
	if path = strings.TrimSuffix(path, "}"); !ok || !isReference(s) || path == "" || filepath.IsAbs(path) {
		return s
	}
	return fileStart + filepath.Join(dir, path) + "}"
}
