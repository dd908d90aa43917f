package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/words"
)

// theOptions is what messages call the options string of an account.
const theOptions = "the options"

// parseOptions reads the options of an account: flags if they start with --, JSON if they are a JSON object, else YAML. No error
// holds a value.
func parseOptions(p *connector.Program, text string) (map[string]any, error) {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		return map[string]any{}, nil
	case strings.HasPrefix(trimmed, "--") && strings.Trim(trimmed, "-") != "" && !strings.HasPrefix(trimmed, "---"):
		flags, _, err := words.Split(trimmed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", theOptions, err)
		}
		options, err := p.FromFlags(flags, reservedTypes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", theOptions, err)
		}
		return options, nil
	case strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed)):
		// On one line, so that only columns of the first line move.
		return literal("options.json", `{"parameters":`, trimmed+"}", 0, 0)
	}
	text = strings.TrimPrefix(text, "---\n")
	text = "  " + strings.ReplaceAll(text, "\n", "\n  ")
	return literal("options.yaml", "parameters:\n", text, 1, 2)
}

// literal reads a document as the parameters of a config file, which knows what YAML and JSON mean in options, and refuses
// whatever is ambiguous. Nothing in it is a reference: what looks like one is escaped, and one that comes into being behind
// that, as by an escape of YAML, is refused. The places in messages are those of text, which starts lines and columns behind
// the beginning of the file.
func literal(path, before, text string, lines, columns int) (map[string]any, error) {
	escaped := strings.ReplaceAll(text, "${", "$${")
	file, err := config.Parse(path, []byte(before+escaped), config.Env{
		LookupEnv: func(string) (string, bool) { return "", false },
		ReadFile:  func(string) ([]byte, error) { return nil, os.ErrPermission },
	})
	if wrong := (*config.Error)(nil); errors.As(err, &wrong) {
		problems := make([]error, len(wrong.Problems))
		for i, p := range wrong.Problems {
			p.File, p.Line, p.Column = theOptions, max(p.Line-lines, 0), max(p.Column-columns, 0)
			if p.Key == "parameters" {
				p.Fix = "write each option as name: value, all as a JSON object, or as flags"
			}
			p.Key = strings.TrimPrefix(strings.TrimPrefix(p.Key, "parameters"), ".")
			if strings.Contains(p.Message, " stands in line ") { // of the file, which is not that of the options
				p.Message, p.Fix = "the option is given twice", "keep one of them; hyphens and underscores are the same"
			}
			problems[i] = p
		}
		return nil, errors.Join(problems...)
	}
	if err != nil {
		return nil, err
	}
	if file.Name != nil || file.Type != nil || file.Version != nil || file.Topic != nil || len(file.Transforms) > 0 {
		return nil, fmt.Errorf("%s are not one document", theOptions) // no text is known that gets here
	}
	options := map[string]any{}
	for name, value := range file.Parameters {
		options[name] = value.Any
	}
	return options, nil
}

// merge puts the options of an account over those of the command line.
func merge(of ...map[string]any) map[string]any {
	all := map[string]any{}
	for _, options := range of {
		maps.Copy(all, options)
	}
	return all
}
