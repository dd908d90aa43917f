package options

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// FlagTexts writes a value as the texts of one flag, given once for each: the elements of a list, the pairs of a map.
func FlagTexts(value any) []string {
	switch value := value.(type) {
	case []any:
		var texts []string
		for _, element := range value {
			texts = append(texts, FlagTexts(element)...)
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

// Plain shows a JSON value to people: text without quotes, all else as compact JSON.
func Plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var out bytes.Buffer
	if json.Compact(&out, value) != nil {
		return string(value)
	}
	return out.String()
}
