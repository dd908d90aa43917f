package publish

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// CommandLine writes flat options as a command line for a POSIX shell. A list repeats its flag.
func CommandLine(program string, flat json.RawMessage) (string, error) {
	d := json.NewDecoder(bytes.NewReader(flat))
	d.UseNumber()
	var values map[string]any
	if err := d.Decode(&values); err != nil {
		return "", err
	}
	words := []string{program}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, text := range options.FlagTexts(values[name]) {
			if text == "true" && values[name] == true {
				words = append(words, "--"+name)
				continue
			}
			words = append(words, "--"+name+"="+shellQuote(text))
		}
	}
	return strings.Join(words, " "), nil
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
