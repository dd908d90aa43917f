package main

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common"
)

// A recordView is how --format json shows a record. What is not set is left out.
type recordView struct {
	ID      string            `json:"id,omitempty"`
	Key     string            `json:"key,omitempty"`
	Op      string            `json:"op,omitempty"`
	Time    *time.Time        `json:"time,omitempty"`
	Type    string            `json:"type,omitempty"`
	Subject string            `json:"subject,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Value   any               `json:"value"`                  // the payload: JSON as it is, other text as a string
	Binary  []byte            `json:"value_base64,omitempty"` // in place of value, a payload that is not text
}

func view(rec *common.Record) recordView {
	v := recordView{ID: rec.ID, Key: rec.Key, Op: string(rec.Op), Type: rec.Type, Subject: rec.Subject, Headers: rec.Headers}
	if !rec.Time.IsZero() {
		at := rec.Time.UTC()
		v.Time = &at
	}
	switch {
	case json.Valid(rec.Value):
		v.Value = json.RawMessage(rec.Value)
	case utf8.Valid(rec.Value):
		v.Value = string(rec.Value)
	default:
		v.Binary = rec.Value
	}
	return v
}
