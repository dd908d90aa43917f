package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Flat is a connector's whole configuration as another platform hands it over: values to be taken literally, which hold
// no references.
type Flat struct {
	// Type, Name and Topic are left out of the file when empty.
	Type, Name, Topic string
	// Options are keyed by flag name; hyphens and underscores are the same. Values are strings, booleans, integers, floats,
	// json.Number, and lists ([]any, []string) and mappings (map[string]any, map[string]string) of these. The keys map,
	// filter and arraymap hold a string or a list of strings and become transforms, in this order.
	Options map[string]any
}

// Write writes a config file that only its owner can read, 0600, replacing what path named in one step. Read gives back
// exactly the same values, whatever they contain: no part of them is taken for a reference. It is an error, and nothing
// is written, if a value is null, is of another type, or could not be read back (text that is not UTF-8, more than
// MaxBytes or MaxDepth, one option in two spellings). Messages hold no values.
func Write(path string, f Flat) error {
	data, err := marshal(path, f)
	if err != nil {
		return err
	}
	if err := replace(path, data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func marshal(path string, f Flat) ([]byte, error) {
	file := struct {
		Type       string              `json:"type,omitempty"`
		Name       string              `json:"name,omitempty"`
		Topic      string              `json:"topic,omitempty"`
		Parameters map[string]any      `json:"parameters,omitempty"`
		Transforms []map[string]string `json:"transforms,omitempty"`
	}{Type: escape(f.Type), Name: escape(f.Name), Topic: escape(f.Topic), Parameters: map[string]any{}}
	for _, word := range []string{f.Type, f.Name, f.Topic} {
		if !utf8.ValidString(word) {
			return nil, fmt.Errorf("write %s: type, name or topic is not UTF-8 text", path)
		}
	}
	for key, value := range f.Options {
		escaped, err := escapeAll(value)
		if err != nil {
			return nil, fmt.Errorf("write %s: option %s: %w", path, oneLine(key), err)
		}
		switch {
		case !utf8.ValidString(key):
			return nil, fmt.Errorf("write %s: an option's name is not UTF-8 text", path)
		case key == "name" || key == "topic" || key == "config":
			return nil, fmt.Errorf("write %s: %s is not an option of the flat form", path, key)
		case slices.Contains(kinds[:3], key): // collected below, in the order in which they apply
		default:
			file.Parameters[key] = escaped
		}
	}
	for _, kind := range kinds[:3] {
		expressions, err := expressions(f.Options[kind])
		if err != nil {
			return nil, fmt.Errorf("write %s: option %s: %w", path, kind, err)
		}
		for _, expression := range expressions {
			file.Transforms = append(file.Transforms, map[string]string{kind: escape(expression)})
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(file); err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	// The reader is the judge of what can be read back: limits, and one option in two spellings.
	if _, err := Parse(path, b.Bytes(), Env{}); err != nil {
		return nil, fmt.Errorf("write %s: it could not be read back: %w", path, err)
	}
	return b.Bytes(), nil
}

// escapeAll copies a value with all its text escaped.
func escapeAll(value any) (any, error) {
	switch value := value.(type) {
	case string:
		if !utf8.ValidString(value) {
			return nil, fmt.Errorf("the value is not UTF-8 text")
		}
		return escape(value), nil
	case json.Number:
		if !jsonNumber().MatchString(value.String()) {
			return nil, fmt.Errorf("the number is not written as JSON writes numbers")
		}
		return value, nil
	case bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		return value, nil
	case []string:
		return escapeList(value)
	case []any:
		return escapeList(value)
	case map[string]string:
		return escapeMap(value)
	case map[string]any:
		return escapeMap(value)
	case nil:
		return nil, fmt.Errorf("the value is null; leave the option out")
	default:
		return nil, fmt.Errorf("a value of type %T cannot stand in a config file", value)
	}
}

func escapeList[T any](values []T) (any, error) {
	escaped := make([]any, len(values))
	for i, value := range values {
		var err error
		if escaped[i], err = escapeAll(value); err != nil {
			return nil, err
		}
	}
	return escaped, nil
}

func escapeMap[T any](values map[string]T) (any, error) {
	escaped := make(map[string]any, len(values))
	for key, value := range values {
		if !utf8.ValidString(key) {
			return nil, fmt.Errorf("a key is not UTF-8 text")
		}
		var err error
		if escaped[key], err = escapeAll(value); err != nil {
			return nil, err
		}
	}
	return escaped, nil
}

// expressions gives the transforms of one kind.
func expressions(value any) ([]string, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{value}, nil
	case []string:
		return value, nil
	case []any:
		all := make([]string, len(value))
		for i, item := range value {
			s, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("the value is not text or a list of texts")
			}
			all[i] = s
		}
		return all, nil
	default:
		return nil, fmt.Errorf("the value is not text or a list of texts")
	}
}

// replace writes beside path and renames, so that a reader sees the whole file or none, and never another's permissions.
func replace(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+strings.TrimPrefix(filepath.Base(path), ".")+".*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
