package transform

import (
	"errors"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/patchbay-dev/patchbay/common/record"
)

var errNotText = errors.New("the payload is not text (it holds bytes that are not UTF-8), and jq reads text only")

// decode gives the value that the first step sees. Numbers stay json.Number, which gojq carries as written.
func decode(payload []byte) (any, error) {
	if len(payload) == 0 {
		return nil, nil
	}
	// Go would replace what is not UTF-8 on the way out and so change data silently.
	if !utf8.Valid(payload) {
		return nil, errNotText
	}
	text := string(payload)
	if v, ok := parse(text); ok {
		return v, nil
	}
	return text, nil
}

// encode gives the payload for the value that the last step left. It uses the encoder of gojq rather than encoding/json:
// that one escapes <, > and & and refuses NaN, which jq writes as null.
func encode(v any, op record.Op) []byte {
	if v == nil && op == record.Delete {
		return nil
	}
	b, _ := gojq.Marshal(v) // its error is always nil
	return b
}
