package connect

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// owned are the options that the runtime decides on.
var owned = []string{"topic", "broker", "name", "group", "from", "once", "acks", "config", "topic-format", "envelope", "dead-letter"}

// options are the component's, keyed by flag name. What is null is left out.
func (c *component) options() (map[string]any, error) {
	options := maps.Clone(c.Config)
	if options == nil {
		options = map[string]any{}
	}
	for key, value := range options {
		flag := strings.ReplaceAll(key, "_", "-")
		switch {
		case slices.Contains(owned, flag):
			return nil, fmt.Errorf("%s: the steps decide on that", key)
		case flag == "on-error" && value == "dead-letter":
			return nil, fmt.Errorf("%s: there is no place for dead letters; say fail or skip", key)
		case value == nil:
			delete(options, key)
		}
	}
	return options, nil
}

// option returns a text option of a component, "" if it is not given.
func (c *component) option(name string) string {
	for key, value := range c.Config {
		if text, ok := value.(string); ok && strings.ReplaceAll(key, "_", "-") == name {
			return text
		}
	}
	return ""
}

// readNumbers takes texts for the numbers that they are, where a connector wants a number which need not be whole: the
// platform has no type for such a one, so that its forms hand over a text.
func readNumbers(options map[string]any, known map[string]connector.Option) {
	for key, value := range options {
		text, ok := value.(string)
		if ok && known[strings.ReplaceAll(key, "_", "-")].Type == "number" && json.Valid([]byte(text)) {
			options[key] = json.Number(strings.TrimSpace(text))
		}
	}
}
