package common

import (
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/options"
)

// The spellings of Fluvio's connectors that command lines may still have, and ours. They are no options: help, schema,
// completions and config files do not know them.
var fluvioSpellings = map[string]string{
	"fluvio-topic":            "topic",
	"rust-log":                "log-level",
	"array-map":               "arraymap",
	"filter-map":              "map",
	"aggregate":               "map",
	"aggregate-initial-value": "initial",
	"smartmodule":             "map",
	"smartmodule-parameters":  "param",
}

// fluvioModules are those whose value can only be a SmartModule.
var fluvioModules = []string{"filter-map", "aggregate", "smartmodule"}

// modernize writes a command line in our spellings. The note names those that it has replaced; it is empty if there were
// none. What a connector itself calls by such a name is left as it is.
func modernize(m *options.Model, args []string) (modern []string, note string, problems []*options.Problem) {
	var replaced []string
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		if args[i] == "--" { // ends the flags
			modern = append(modern, args[i:]...)
			break
		}
		ours, old := fluvioSpellings[name]
		if old = old && strings.HasPrefix(args[i], "--") && m.Option(name) == nil; !old {
			modern = append(modern, args[i])
			if takesNext(m, args[i]) && i+1 < len(args) { // a value may look like a flag
				i++
				modern = append(modern, args[i])
			}
			continue
		}
		if !hasValue {
			if i++; i == len(args) {
				modern = append(modern, "--"+ours) // the parser says that its value is missing
				break
			}
			value = args[i]
		}
		switch {
		case name == "rust-log":
			value = logLevel(value)
		case slices.Contains(fluvioModules, name) && !strings.HasSuffix(value, ".wasm"):
			problems = append(problems, &options.Problem{
				Message: fmt.Sprintf("--%s: there is no cluster that keeps modules by their names", name),
				Fix:     "give --" + ours + " the path of the module, a file that ends in .wasm",
			})
			continue
		}
		modern = append(modern, "--"+ours+"="+value)
		if told := fmt.Sprintf("--%s is --%s", name, ours); !slices.Contains(replaced, told) {
			replaced = append(replaced, told)
		}
	}
	if len(replaced) > 0 {
		note = "old spellings: " + strings.Join(replaced, ", ")
	}
	return modern, note, problems
}

// takesNext reports whether the word behind a flag is its value.
func takesNext(m *options.Model, flag string) bool {
	name, isFlag := strings.CutPrefix(flag, "--")
	if !isFlag || strings.Contains(name, "=") {
		return false
	}
	if o := m.Option(name); o != nil {
		return !o.IsBool()
	}
	return slices.Contains([]string{"config", "draft", "batch"}, name) // of the flags that are no options
}

// logLevel is ours for the filter of a Rust program, such as info or warn,fluvio=debug: what stands there for everything.
// A word that is none is left for the flag to refuse.
func logLevel(filter string) string {
	level := "info" // what Rust connectors begin with
	for part := range strings.SplitSeq(filter, ",") {
		if !strings.Contains(part, "=") {
			level = strings.ToLower(strings.TrimSpace(part))
		}
	}
	switch level {
	case "trace":
		return "debug"
	case "off":
		return "error"
	}
	return level
}
