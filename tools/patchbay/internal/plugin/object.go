package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin/c1"
)

// A shaper makes objects of records. It is safe for concurrent use. A nil expression means the default.
type shaper struct{ remoteID, resourceName, uri *transform.Chain }

// content is the metadata of an object, as JSON. It holds everything of the record that has no field of its own.
type content struct {
	Deleted bool              `json:"deleted,omitempty"` // what remote_id names is gone; value may hold the last known state
	Value   json.RawMessage   `json:"value,omitempty"`   // the payload, if it is JSON; else the JSON string of its text
	Base64  []byte            `json:"value_base64,omitempty"`
	Type    string            `json:"type,omitempty"`
	Time    string            `json:"time,omitempty"` // RFC 3339
	Headers map[string]string `json:"headers,omitempty"`
}

// object returns the object of a record. The error says what the host's contract has no room for.
func (s *shaper) object(ctx context.Context, rec record.Record) (*c1.DataObject, error) {
	or := rec.Key
	if or == "" {
		or = rec.ID
	}
	var out c1.DataObject
	for _, part := range []struct {
		name  string
		chain *transform.Chain
		or    string
		text  *string
	}{
		{"remote-id", s.remoteID, or, &out.RemoteId},
		{"resource-name", s.resourceName, rec.Subject, &out.ResourceName},
		{"uri", s.uri, "", &out.Uri},
	} {
		text, err := evaluate(ctx, part.chain, rec, part.or)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%s: %q is not UTF-8 text, and c1 takes nothing else; choose another with --%s", part.name, text, part.name)
		}
		*part.text = text
	}
	if out.RemoteId == "" {
		return nil, errors.New("a record has neither key nor id, so that no object can be named after it; choose one with --remote-id")
	}
	metadata, err := contentOf(rec)
	out.Metadata = metadata
	return &out, err
}

func contentOf(rec record.Record) (string, error) {
	c := content{Deleted: rec.Op == record.Delete, Type: rec.Type, Headers: rec.Headers}
	if !rec.Time.IsZero() {
		c.Time = rec.Time.UTC().Format(time.RFC3339Nano)
	}
	switch {
	case len(rec.Value) == 0:
	case !utf8.Valid(rec.Value):
		c.Base64 = rec.Value
	case json.Valid(rec.Value):
		c.Value = rec.Value
	default:
		text, err := encode(string(rec.Value))
		if err != nil {
			return "", err
		}
		c.Value = json.RawMessage(text)
	}
	return encode(c)
}

// encode is json.Marshal that leaves < and > as they are.
func encode(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
