package common

import (
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/options"
)

// The spellings of Fluvio's connectors that command lines may still have, and ours. They are no options: help, schema,
// completions and config files do not know them.
var fluvioSpellings = map[string]options.Spelling{
	"fluvio-topic":            {Name: "topic"},
	"rust-log":                {Name: "log-level", Read: logLevel},
	"array-map":               {Name: "arraymap"},
	"filter-map":              {Name: "map", Read: modulePath("filter-map")},
	"aggregate":               {Name: "map", Read: modulePath("aggregate")},
	"aggregate-initial-value": {Name: "initial"},
	"smartmodule":             {Name: "map", Read: modulePath("smartmodule")},
	"smartmodule-parameters":  {Name: "param"},
}

// modulePath reads the value of a flag that can only be a SmartModule.
func modulePath(flag string) func(string) (string, *options.Problem) {
	return func(value string) (string, *options.Problem) {
		if strings.HasSuffix(value, ".wasm") {
			return value, nil
		}
		return "", &options.Problem{
			Message: fmt.Sprintf("--%s: there is no cluster that keeps modules by their names", flag),
			Fix:     "give --map the path of the module, a file that ends in .wasm",
		}
	}
}

// logLevel is ours for the filter of a Rust program, such as info or warn,fluvio=debug: what stands there for everything.
// A word that is none is left for the flag to refuse.
func logLevel(filter string) (string, *options.Problem) {
	level := "info" // what Rust connectors begin with
	for part := range strings.SplitSeq(filter, ",") {
		if !strings.Contains(part, "=") {
			level = strings.ToLower(strings.TrimSpace(part))
		}
	}
	switch level {
	case "trace":
		return "debug", nil
	case "off":
		return "error", nil
	}
	return level, nil
}
