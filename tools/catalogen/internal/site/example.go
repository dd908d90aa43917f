package site

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// An example is one example of a connector in its three spellings, which all mean the same options.
type example struct {
	Title    string
	Anchor   string
	Snippets []snippet
}

// A snippet is text to copy. Its tokens only colour it: put together they are the text.
type snippet struct {
	ID     string // the key that the page remembers the reader's choice by
	Anchor string
	Label  string
	Tokens []token
}

// A token is a piece of a snippet. Kind is a CSS class, or "" for plain text.
type token struct {
	Kind string
	Text string
}

// Text is the whole snippet.
func (s snippet) Text() string {
	var b strings.Builder
	for _, t := range s.Tokens {
		b.WriteString(t.Text)
	}
	return b.String()
}

func (s *snippet) add(kind, format string, args ...any) {
	s.Tokens = append(s.Tokens, token{kind, fmt.Sprintf(format, args...)})
}

// A setting is an option and the value an example gives to it.
type setting struct {
	option
	value json.RawMessage
}

// transforms are the options that a config file lists under that key, in the order in which flat options are applied.
var transforms = []string{"map", "filter", "arraymap"}

func isTransform(name string) bool { return slices.Contains(transforms, name) }

// step is where a setting stands: transforms come last, in the order in which flat options are applied. A command line
// applies them as they stand there, so that any other order would mean something else.
func (s setting) step() int {
	if !s.Shared {
		return 0
	}
	return 1 + slices.Index(transforms, s.Name)
}

// newExample writes one example as a command, as environment variables and as a config file. Options that it sets by former names
// are written by those of today.
func newExample(connector string, index int, ex metadata.Example, known []option) (example, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(ex.Options, &values); err != nil {
		return example{}, fmt.Errorf("example %q: %w", ex.Title, err)
	}
	settings := make([]setting, 0, len(values))
	for _, o := range known { // in the order of the help: metadata may have lost the author's
		for _, name := range append([]string{o.Name}, o.Formerly...) {
			if value, ok := values[name]; ok {
				settings = append(settings, setting{o, value})
				delete(values, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		return example{}, fmt.Errorf("example %q: option %q is not in the schema", ex.Title, name)
	}
	slices.SortStableFunc(settings, func(a, b setting) int { return cmp.Compare(a.step(), b.step()) })
	e := example{Title: ex.Title, Anchor: fmt.Sprintf("example-%d", index+1)}
	for _, s := range []snippet{
		commandSnippet(connector, settings),
		environmentSnippet(connector, settings),
		fileSnippet(connector, settings),
	} {
		s.Anchor = e.Anchor + "-" + s.ID
		e.Snippets = append(e.Snippets, s)
	}
	return e, nil
}

// commandSnippet writes a command line. A secret goes through the environment, as an argument shows in the process list.
func commandSnippet(connector string, settings []setting) snippet {
	s := snippet{ID: "command", Label: "Command"}
	var flags []setting
	for _, set := range settings {
		if set.Secret && set.Env != "" {
			s.export(set)
		} else {
			flags = append(flags, set)
		}
	}
	s.command(connector, flags)
	return s
}

// environmentSnippet writes everything that a variable can hold as one.
func environmentSnippet(connector string, settings []setting) snippet {
	s := snippet{ID: "environment", Label: "Environment"}
	steps := 0
	for _, set := range settings {
		if set.step() > 0 {
			steps++
		}
	}
	var flags []setting
	for _, set := range settings {
		ordered := steps > 1 && set.step() > 0 // variables have no order
		if _, ok := set.oneText(); ok && set.Env != "" && !ordered {
			s.export(set)
		} else {
			flags = append(flags, set)
		}
	}
	s.command(connector, flags)
	return s
}

func (s *snippet) export(set setting) {
	text, _ := set.oneText()
	s.add("word", "export ")
	s.add("name", "%s", set.Env)
	s.add("", "=")
	s.add("value", "%s", shellQuote(text))
	s.add("", "\n")
}

// lineWidth is where a command is broken into a line per flag.
const lineWidth = 72

func (s *snippet) command(connector string, settings []setting) {
	var flags [][2]string
	width := len(connector)
	for _, set := range settings {
		for _, text := range set.flagTexts() {
			value := " " + shellQuote(text)
			if set.kind == "boolean" && text == "true" {
				value = ""
			} else if set.kind == "boolean" || strings.HasPrefix(text, "-") && len(text) > 1 {
				value = "=" + shellQuote(text)
			}
			flags = append(flags, [2]string{shellQuote("--" + set.Name), value})
			width += len(set.Name) + len(value) + 3
		}
	}
	s.add("program", "%s", connector)
	for _, flag := range flags {
		if width > lineWidth {
			s.add("", " \\\n  ")
		} else {
			s.add("", " ")
		}
		s.add("name", "%s", flag[0])
		if flag[1] != "" {
			s.add("", "%s", flag[1][:1])
			s.add("value", "%s", flag[1][1:])
		}
	}
	s.add("", "\n")
}

// placeholder stands for a secret. It is never a value, even if an example wrongly holds one.
func (s setting) placeholder() string { return "<" + s.Name + ">" }

// flagTexts gives the text of each flag that the setting needs: one, or one for each element of a list.
func (s setting) flagTexts() []string {
	if s.Secret {
		return []string{s.placeholder()}
	}
	var list []json.RawMessage
	if s.kind == "array" && json.Unmarshal(s.value, &list) == nil {
		texts := make([]string, 0, len(list))
		for _, element := range list {
			text := options.Plain(element)
			if !s.whole {
				text = strings.ReplaceAll(text, ",", `\,`)
			}
			texts = append(texts, text)
		}
		return texts
	}
	if s.kind == "object" {
		var pairs map[string]json.RawMessage
		if json.Unmarshal(s.value, &pairs) == nil {
			texts := make([]string, 0, len(pairs))
			for _, key := range slices.Sorted(maps.Keys(pairs)) {
				texts = append(texts, key+"="+strings.ReplaceAll(options.Plain(pairs[key]), ";", `\;`))
			}
			return texts
		}
	}
	return []string{options.Plain(s.value)}
}

// oneText gives the text of an environment variable, unless one variable cannot hold the setting.
func (s setting) oneText() (string, bool) {
	texts := s.flagTexts()
	switch {
	case len(texts) == 1:
		return texts[0], true
	case len(texts) == 0 || s.whole:
		return "", false
	case s.kind == "object":
		return strings.Join(texts, ";"), true
	}
	return strings.Join(texts, ","), true
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_@%+:,./=-]+$`)

// shellQuote writes text as one word of a POSIX shell.
func shellQuote(text string) string {
	if shellSafe.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
