package site

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// typeNames says in words what an x-type is. A type that is not listed is shown as it is written.
var typeNames = map[string]string{
	"duration":     "duration, such as 1m30s",
	"size":         "size, such as 64KiB",
	"bytesize":     "size, such as 64KiB",
	"url":          "URL",
	"regexp":       "regular expression",
	"regex":        "regular expression",
	"json":         "JSON",
	"jq":           "jq expression",
	"existingfile": "path of a file",
	"filecontent":  "path of a file",
	"file":         "path of a file",
	"time":         "time, such as 2006-01-02T15:04:05Z",
	"cron":         "cron line",
}

// typeWords describes the values that a property takes.
func typeWords(p options.Option) string {
	if len(p.Enum) > 0 {
		return "one of"
	}
	if name, ok := typeNames[p.Kind]; ok {
		return name
	}
	if p.Kind != "" && p.Type.First() != "array" && p.Type.First() != "object" {
		return strings.ReplaceAll(p.Kind, "-", " ")
	}
	switch p.Type.First() {
	case "string":
		return "text"
	case "integer":
		return "whole number"
	case "number":
		return "number"
	case "boolean":
		return "true or false"
	case "array":
		if p.Items == nil {
			return "list"
		}
		if len(p.Items.Enum) > 0 {
			return "list of"
		}
		return "list of " + plural(typeWords(*p.Items))
	case "object":
		if len(p.Properties) > 0 {
			return "object"
		}
		return "pairs of key=value"
	default:
		return "any value"
	}
}

// plural gives the form of a type's words that follows "list of".
func plural(words string) string {
	switch words {
	case "text", "JSON", "true or false", "any value", "pairs of key=value":
		return words
	}
	noun, rest, found := strings.Cut(words, ",")
	if found {
		return noun + "s," + rest
	}
	return noun + "s"
}

// widest bounds every integer option (RFC 8259, section 6). It stands for "no bound of its own".
const widest = "9007199254740991"

// rangeWords describes the bounds of a number, with its unit.
func rangeWords(p options.Option) string {
	if p.Items != nil {
		p.Minimum, p.Maximum = p.Items.Minimum, p.Items.Maximum
	}
	if p.Minimum == "-"+widest {
		p.Minimum = ""
	}
	if p.Maximum == widest {
		p.Maximum = ""
	}
	unit := ""
	if p.Unit != "" {
		unit = " " + p.Unit
	}
	switch {
	case p.Minimum != "" && p.Maximum != "":
		return fmt.Sprintf("%s to %s%s", p.Minimum, p.Maximum, unit)
	case p.Minimum != "":
		return fmt.Sprintf("at least %s%s", p.Minimum, unit)
	case p.Maximum != "":
		return fmt.Sprintf("at most %s%s", p.Maximum, unit)
	}
	return p.Unit
}

// changeWords describes an option's lifecycle class. The usual one, config, needs no words.
func changeWords(class string) string {
	switch class {
	case "", "config":
		return ""
	case "static":
		return "fixed once installed"
	case "stream":
		return "may differ per stream"
	default:
		return class
	}
}

// choices lists the allowed values of a property, or of the elements of a list.
func choices(p options.Option) []json.RawMessage {
	if len(p.Enum) == 0 && p.Items != nil {
		return p.Items.Enum
	}
	return p.Enum
}

// slug turns a name into something that may stand in an id.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "x"
}

// unique gives id, or id with a number behind it when it is taken, and takes it. What is used maps to the last number that was
// tried behind it, so that a thousandth time costs no more than the second.
func unique(used map[string]int, id string) string {
	candidate := id
	for used[candidate] > 0 {
		used[id]++
		candidate = fmt.Sprintf("%s-%d", id, used[id])
	}
	used[candidate] = 1
	return candidate
}
