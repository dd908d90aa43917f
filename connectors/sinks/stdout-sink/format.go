package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/record"
)

// appendRecord appends a record in one of the formats of --format, without a newline at the end.
func appendRecord(dst []byte, format string, rec *common.Record) ([]byte, error) {
	switch format {
	case "cloudevents":
		event, err := record.MarshalCloudEvent(*rec, "patchbay/stdout-sink")
		return append(dst, event...), err
	case "json":
		return appendJSON(dst, rec)
	}
	return append(dst, rec.Value...), nil
}

// A recordView is how --format json shows a record. What is not set is left out.
type recordView struct {
	ID        string            `json:"id,omitempty"`
	Key       string            `json:"key,omitempty"`
	KeyBytes  []byte            `json:"key_base64,omitempty"` // in place of key, one that is not text
	Partition string            `json:"partition,omitempty"`
	Position  string            `json:"position,omitempty"`
	Op        record.Op         `json:"op,omitempty"`
	Time      *time.Time        `json:"time,omitempty"`
	Type      string            `json:"type,omitempty"`
	Subject   string            `json:"subject,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Value     any               `json:"value,omitempty"`        // the payload: JSON as it is, other text as a string
	Bytes     []byte            `json:"value_base64,omitempty"` // in place of value, a payload that is not text
}

func appendJSON(dst []byte, rec *common.Record) ([]byte, error) {
	v := recordView{
		ID: rec.ID, Key: rec.Key, Partition: rec.Partition, Position: rec.Position, Op: rec.Op,
		Type: rec.Type, Subject: rec.Subject, Headers: rec.Headers,
	}
	if !utf8.ValidString(rec.Key) {
		v.Key, v.KeyBytes = "", []byte(rec.Key)
	}
	if !rec.Time.IsZero() {
		at := rec.Time.UTC()
		v.Time = &at
	}
	switch {
	case !utf8.Valid(rec.Value):
		v.Bytes = rec.Value
	case json.Valid(rec.Value):
		v.Value = json.RawMessage(rec.Value)
	default:
		v.Value = string(rec.Value)
	}
	out := bytes.NewBuffer(dst)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return dst, fmt.Errorf("write as JSON: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
