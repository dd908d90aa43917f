package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
)

// The limits of one schema, each far beyond what flat options need; strictjson.MaxDepth is another. A schema that refers to
// itself twice on each of many levels takes time that doubles with each, and a pattern of a few bytes can ask for gigabytes.
const (
	maxSchema     = 1 << 20 // bytes
	maxReferences = 16
	maxPattern    = 4096    // bytes of one pattern
	maxStates     = 400_000 // of all patterns together, when they are compiled; 40 bytes each
)

// Compile is schema.Compile within limits: for every schema that may be a stranger's.
func Compile(text []byte) (*schema.Schema, error) {
	value, err := schema.Parse(text)
	if err != nil {
		return nil, err
	}
	return compile(text, value)
}

// compile is Compile for a text that was parsed into a value.
func compile(text []byte, value any) (*schema.Schema, error) {
	if len(text) > maxSchema {
		return nil, fmt.Errorf("it holds %d bytes; at most %d", len(text), maxSchema)
	}
	var b bounds
	if err := b.walk(value); err != nil {
		return nil, err
	}
	return schema.CompileValue(value)
}

// bounds counts what makes a schema expensive.
type bounds struct{ references, states int }

// walk refuses what costs too much, and references to anything but the document itself. The compiler's loader refuses those
// too, except the drafts' own schemas, which it knows by heart. Values that only look like keywords, such as a default, are
// held to the same.
func (b *bounds) walk(value any) error {
	switch value := value.(type) {
	case json.Number: // the parser keeps its digits; whoever reads the schema after us counts with it
		_, err := value.Float64()
		return err
	case []any:
		for _, element := range value {
			if err := b.walk(element); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) { // so that the same schema is refused for the same reason
			if err := b.member(key, value[key]); err != nil {
				return err
			}
			if err := b.walk(value[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// member looks at one keyword.
func (b *bounds) member(key string, value any) error {
	switch value := value.(type) {
	case string:
		switch key {
		case "pattern":
			return b.pattern(value)
		case "$ref", "$dynamicRef", "$recursiveRef":
			b.references++
			if !strings.HasPrefix(value, "#") {
				return fmt.Errorf("%s %q: %w", key, value, schema.ErrForeign)
			}
			if b.references > maxReferences {
				return fmt.Errorf("more than %d references", maxReferences)
			}
		}
	case map[string]any:
		if key != "patternProperties" {
			return nil
		}
		for _, pattern := range slices.Sorted(maps.Keys(value)) {
			if err := b.pattern(pattern); err != nil {
				return err
			}
		}
	}
	return nil
}

// counted keeps the states of patterns by their text. Connectors share most of theirs, and those of one run are few.
var counted sync.Map

// pattern counts the states of a pattern. One that is none is left to the compiler, which says why.
func (b *bounds) pattern(text string) error {
	if len(text) > maxPattern {
		return fmt.Errorf("a pattern of %d bytes; at most %d", len(text), maxPattern)
	}
	n, known := counted.Load(text)
	if !known {
		parsed, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			return nil
		}
		n = states(parsed)
		counted.Store(text, n)
	}
	if b.states += n.(int); b.states > maxStates {
		return fmt.Errorf("patterns that come to more than %d states; repeat less", maxStates)
	}
	return nil
}

// states estimates how large a pattern is when its repetitions are written out. It stops counting where it is too large.
func states(r *syntax.Regexp) int {
	n := 1 + len(r.Rune)/2
	for _, sub := range r.Sub {
		n += states(sub)
	}
	if r.Op == syntax.OpRepeat {
		n *= max(1, r.Min, r.Max)
	}
	return min(n, maxStates+1)
}
