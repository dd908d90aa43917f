package site

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// fileSnippet writes the settings as a config file. It needs no YAML library: scalars and lists are written as JSON, which
// YAML includes, and left plain where no reader can take them for anything but text.
func fileSnippet(connector string, settings []setting) snippet {
	s := snippet{ID: "file", Label: "Config file"}
	s.add("comment", "# %s --config %s.yaml\n", connector, connector)
	var parameters, secrets, transforms []setting
	top := map[string]setting{}
	for _, set := range settings {
		switch {
		case set.Secret:
			secrets = append(secrets, set)
		case set.Shared && isTransform(set.Name):
			transforms = append(transforms, set)
		case set.Shared && (set.Name == "name" || set.Name == "topic"):
			top[set.Name] = set
		default:
			parameters = append(parameters, set)
		}
	}
	if set, ok := top["name"]; ok {
		s.entry("", "name", set.value)
	}
	s.entry("", "type", quoted(connector))
	if set, ok := top["topic"]; ok {
		s.entry("", "topic", set.value)
	}
	s.mapping("parameters", parameters)
	if len(secrets) > 0 {
		s.key("", "secrets")
		s.add("", "\n")
		for _, set := range secrets {
			s.key("  ", set.Name)
			s.add("value", " %s\n", secretReference(set))
		}
	}
	s.transforms(transforms)
	return s
}

// secretReference points at the environment, so that the file itself may be shown to anyone.
func secretReference(set setting) string {
	if set.Env == "" {
		return string(quoted(set.placeholder()))
	}
	return "${env:" + set.Env + "}"
}

func (s *snippet) mapping(title string, settings []setting) {
	if len(settings) == 0 {
		return
	}
	s.key("", title)
	s.add("", "\n")
	for _, set := range settings {
		s.entry("  ", set.Name, set.value)
	}
}

func (s *snippet) transforms(settings []setting) {
	if len(settings) == 0 {
		return
	}
	s.key("", "transforms")
	s.add("", "\n")
	for _, set := range settings {
		for _, text := range set.flagTexts() {
			s.add("", "  - ")
			s.key("", set.Name)
			s.add("value", " %s\n", scalar(quoted(text)))
		}
	}
}

func (s *snippet) key(indent, name string) {
	s.add("", "%s", indent)
	s.add("name", "%s", scalar(quoted(name)))
	s.add("", ":")
}

// entry writes one key with its value; a map with a line for each pair.
func (s *snippet) entry(indent, name string, value json.RawMessage) {
	s.key(indent, name)
	var pairs map[string]json.RawMessage
	if json.Unmarshal(value, &pairs) == nil && len(pairs) > 0 {
		s.add("", "\n")
		for _, key := range slices.Sorted(maps.Keys(pairs)) {
			s.entry(indent+"  ", key, pairs[key])
		}
		return
	}
	s.add("value", " %s\n", scalar(value))
}

var (
	yamlSafe     = regexp.MustCompile(`^[A-Za-z/.][A-Za-z0-9_ ./+-]*(:[A-Za-z0-9_./+-]+)*$`)
	yamlReserved = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|\.?nan|[+-]?\.?inf)$`)
	yamlMeasure  = regexp.MustCompile(`^([0-9]+(ns|us|ms|s|m|h))+$|^[0-9]+[KMGT]iB$`)
	yamlNumber   = regexp.MustCompile(`^[.+-]?[0-9]|^\.+$`)
)

// scalar writes a JSON value as YAML.
func scalar(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return compact(value)
	}
	if yamlMeasure.MatchString(text) || yamlSafe.MatchString(text) && !yamlReserved.MatchString(text) && !yamlNumber.MatchString(text) &&
		text == strings.TrimSpace(text) {
		return text
	}
	return yamlQuote(text)
}

// yamlQuote writes text in quotes, in single ones where double ones would need escapes.
func yamlQuote(text string) string {
	text = strings.ReplaceAll(text, "${", "$${") // only a doubled dollar is not a reference
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if strings.ContainsAny(text, `"\`) && !strings.ContainsFunc(text, unprintable) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return string(quoted(text))
}

// compact writes a JSON value on one line, with a space behind each comma as people do.
func compact(value json.RawMessage) string {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil && list != nil {
		parts := make([]string, len(list))
		for i, element := range list {
			parts[i] = scalarInList(element)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return options.Plain(value)
}

// scalarInList quotes every text, as a plain one may hold what ends an element.
func scalarInList(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return compact(value)
	}
	return yamlQuote(text)
}

// quoted writes text as JSON, leaving < > & as they are.
func quoted(text string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err) // text always encodes
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
