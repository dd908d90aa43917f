package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

// Options lists the options of a connector that help shows, in its order.
func Options(doc metadata.Document) ([]Option, error) { return readOptions(doc.Schema) }

// CommandLine writes flat options as a command line for a POSIX shell. A list repeats its flag.
func CommandLine(program string, options json.RawMessage) (string, error) {
	d := json.NewDecoder(bytes.NewReader(options))
	d.UseNumber()
	var values map[string]any
	if err := d.Decode(&values); err != nil {
		return "", err
	}
	words := []string{program}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, text := range flagTexts(values[name]) {
			if text == "true" && values[name] == true {
				words = append(words, "--"+name)
				continue
			}
			words = append(words, "--"+name+"="+shellQuote(text))
		}
	}
	return strings.Join(words, " "), nil
}

// flagTexts writes a value as the texts of repeated flags.
func flagTexts(value any) []string {
	switch value := value.(type) {
	case []any:
		var texts []string
		for _, element := range value {
			texts = append(texts, flagTexts(element)...)
		}
		return texts
	case map[string]any:
		var texts []string
		for _, key := range slices.Sorted(maps.Keys(value)) {
			texts = append(texts, fmt.Sprintf("%s=%v", key, value[key]))
		}
		return texts
	}
	return []string{fmt.Sprint(value)}
}

// shellQuote sets a word in quotes unless every shell reads it as it is.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,@%+=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
