package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transform"
)

// reserved begins the options of an account that are the adapter's own.
const reserved = "patchbay."

// reservedTypes are these options, and what JSON Schema calls their types.
var reservedTypes = map[string]string{
	reserved + "name": "string", reserved + "resync": "boolean", reserved + "remote-id": "string",
	reserved + "resource-name": "string", reserved + "uri": "string",
}

// Settings say how records become a host's objects. Each expression is jq, as in --map; where it gives null or no text,
// what stands below is used.
type Settings struct {
	PageSize     int    // objects in a page, 1 to MaxPageSize
	RemoteID     string // expression; else the record's key, else its id
	ResourceName string // expression; else the record's subject
	URI          string // expression; else none

	name   string // of the account; empty if it does not say
	resync bool   // the host is to forget everything, and the source to begin again
}

// MaxPageSize bounds the objects of a page.
const MaxPageSize = 10_000

// nameForm is that of an account's name, which is a part of file names and flags.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

// take moves the adapter's own out of an account's options.
func (s Settings) take(options map[string]any) (Settings, error) {
	var problems []error
	for key, value := range options {
		if !strings.HasPrefix(key, reserved) {
			continue
		}
		delete(options, key)
		text, isText := value.(string)
		flag, isFlag := value.(bool)
		want := "text"
		switch key {
		case reserved + "name":
			if s.name = text; isText && !nameForm.MatchString(text) {
				problems = append(problems, fmt.Errorf("%s: write a letter or digit, then up to 99 of letters, digits, - and _", key))
			}
		case reserved + "remote-id":
			s.RemoteID = text
		case reserved + "resource-name":
			s.ResourceName = text
		case reserved + "uri":
			s.URI = text
		case reserved + "resync":
			s.resync, isText, want = flag, isFlag, "true or false"
		default:
			problems = append(problems, fmt.Errorf("%s: there is no such option", key))
			continue
		}
		if !isText {
			problems = append(problems, fmt.Errorf("%s: expected %s", key, want))
		}
	}
	return s, errors.Join(problems...)
}

// compile reads the expressions.
func (s Settings) compile() (*shaper, error) {
	var out shaper
	var problems []error
	for _, part := range []struct {
		name, expr string
		chain      **transform.Chain
	}{
		{"remote-id", s.RemoteID, &out.remoteID},
		{"resource-name", s.ResourceName, &out.resourceName},
		{"uri", s.URI, &out.uri},
	} {
		if part.expr == "" {
			continue
		}
		chain, err := transform.Compile([]transform.Step{{Kind: transform.Map, Expr: part.expr}}, transform.Options{
			ReadFile: func(string) ([]byte, error) {
				return nil, errors.New("an account names no files; write the expression")
			},
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", part.name, err))
		}
		*part.chain = chain
	}
	return &out, errors.Join(problems...)
}

// evaluate returns the text that an expression gives for a record, and or where it gives null, or there is none. A number or
// another value is its JSON.
func evaluate(ctx context.Context, chain *transform.Chain, rec record.Record, or string) (string, error) {
	if chain == nil {
		return or, nil
	}
	results, err := chain.Apply(ctx, rec)
	if err != nil {
		return "", err
	}
	if len(results) == 0 { // Map gives one
		return or, nil
	}
	value := results[0].Value
	var text string
	switch {
	case len(value) == 0 || string(value) == "null":
		return or, nil
	case json.Unmarshal(value, &text) == nil:
		if text == "" {
			return or, nil
		}
		return text, nil
	}
	return string(value), nil
}
