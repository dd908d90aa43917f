// Package userconfig checks a user's config file against a connector's published metadata alone. No connector is run, no
// reference is followed and no network is used.
package userconfig

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/blackbox"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// unknown stands for what a reference would give, so that references need not be followed.
const unknown = "\x00reference"

// Parse reads a config file with every reference left open. The error is a *config.Error.
func Parse(path string, data []byte) (*config.File, error) {
	return config.Parse(path, data, config.Env{
		LookupEnv: func(string) (string, bool) { return unknown, true },
		ReadFile:  func(string) ([]byte, error) { return []byte(unknown), nil },
	})
}

// Check returns every problem of a file with a connector's options, sorted by line. A value that is a reference is taken
// for right.
func Check(file *config.File, doc metadata.Document) ([]config.Problem, error) {
	read, err := options.Read(doc.Schema)
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %w", doc.Name, err)
	}
	compiled, err := rules.Compile(doc.Schema)
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %w", doc.Name, err)
	}
	valid := blackbox.Valid(read, compiled)
	values, places := collect(file)
	var problems []config.Problem
	add := func(name, message, fix string) {
		p := config.Problem{File: file.Path, Line: places[name].Line, Key: name, Message: message, Fix: fix}
		problems = append(problems, p)
	}
	known := read.Names()
	given := map[string]bool{} // by the names that options have now
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if o, ok := read.Named(name); ok {
			if given[o.Name] {
				add(name, "the option is given by another name, too", "keep "+o.Name)
				delete(values, name)
			}
			given[o.Name] = true
			continue
		}
		if name == "name" {
			delete(values, name) // every file may name its instance, whoever runs it
			continue
		}
		fix := "catalogen show " + doc.Name + " lists its options"
		if nearest := config.Nearest(name, known); nearest != "" {
			fix = "did you mean " + nearest + "?"
		}
		add(name, doc.Name+" has no such option", fix)
		delete(values, name)
	}
	for _, name := range read.Required {
		if given[name] {
			continue
		}
		where := "under parameters"
		if name == "topic" {
			where = "at the top"
		}
		o, _ := read.Get(name)
		add(name, "is required", fmt.Sprintf("add it %s, or give --%s or $%s at the start", where, name, o.Env))
		values[name] = valid[name]
	}
	for name := range values {
		if o, _ := read.Named(name); open(values[name]) {
			values[name] = valid[o.Name]
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	for _, p := range compiled.ValidateText(text) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(p.Pointer, "/"), "/")
		message := p.Message
		if o, _ := read.Named(name); places[name].Redact || o.Secret {
			message = "the value is not accepted" // the schema's own words would show it
		}
		if rest != "" {
			message = "element " + rest + ": " + message
		}
		add(name, message, "")
	}
	slices.SortStableFunc(problems, func(a, b config.Problem) int { return cmp.Compare(a.Line, b.Line) })
	return problems, nil
}

// collect turns a file into flat options, and keeps where each came from.
func collect(file *config.File) (map[string]any, map[string]config.Value) {
	values, places := map[string]any{}, map[string]config.Value{}
	for name, v := range file.Parameters {
		values[name], places[name] = v.Any, v
	}
	for name, v := range map[string]*config.Value{"name": file.Name, "topic": file.Topic} {
		if v != nil {
			values[name], places[name] = v.Any, *v
		}
	}
	for _, t := range file.Transforms {
		if t.Kind == "uses" {
			continue // a module is not an option of the connector
		}
		list, _ := values[t.Kind].([]any)
		values[t.Kind] = append(list, t.Text)
		if _, ok := places[t.Kind]; !ok {
			places[t.Kind] = config.Value{Line: t.Line, Redact: t.Redact}
		}
	}
	return values, places
}

// open tells whether a value holds a reference somewhere.
func open(value any) bool {
	switch value := value.(type) {
	case string:
		return value == unknown
	case []any:
		return slices.ContainsFunc(value, open)
	case map[string]any:
		for _, element := range value {
			if open(element) {
				return true
			}
		}
	}
	return false
}
