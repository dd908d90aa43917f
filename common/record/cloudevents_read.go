package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
	"unicode/utf8"
)

// UnmarshalCloudEvent reads a CloudEvent 1.0 in the structured mode of the JSON format. It undoes MarshalCloudEvent: data
// is the payload, as bytes of JSON unless datacontenttype names something else and data is a string; then it is the text.
// A datacontenttype that the payload does not imply becomes the header content-type, the source the EventSourceHeader, and
// an attribute that has no other place the header of its name (a number or Boolean as JSON writes it). What it returns
// shares no memory with b.
func UnmarshalCloudEvent(b []byte) (Record, error) {
	rec, err := readEvent(b)
	if err != nil {
		return Record{}, fmt.Errorf("read CloudEvent: %w", err)
	}
	return rec, nil
}

func readEvent(b []byte) (Record, error) {
	if !utf8.Valid(b) {
		return Record{}, errors.New("it is not valid UTF-8")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return Record{}, fmt.Errorf("it is no JSON object: %w", err)
	}
	data, hasData := members["data"]
	encoded := members["data_base64"]
	delete(members, "data")
	delete(members, "data_base64")
	attrs, err := readAttrs(members)
	if err != nil {
		return Record{}, err
	}
	if v := attrs["specversion"]; v != "1.0" {
		return Record{}, fmt.Errorf("specversion is %q, it must be \"1.0\"", v)
	}
	for _, name := range []string{"id", "source", "type"} {
		if attrs[name] == "" {
			return Record{}, fmt.Errorf("the attribute %s is missing", name)
		}
	}
	rec, err := fromAttrs(attrs)
	if err != nil {
		return Record{}, err
	}
	contentType := attrs["datacontenttype"]
	implied := ""
	switch {
	case encoded != nil && string(encoded) != "null":
		if hasData {
			return Record{}, errors.New("it has both data and data_base64")
		}
		var text string // not bytes at once: those may be a list of numbers, too
		if err := json.Unmarshal(encoded, &text); err != nil {
			return Record{}, fmt.Errorf("data_base64: %w", err)
		}
		if rec.Value, err = base64.StdEncoding.DecodeString(text); err != nil {
			return Record{}, fmt.Errorf("data_base64: %w", err)
		}
		implied = "application/octet-stream"
	case hasData && data[0] == '"' && contentType != "" && !isJSONType(contentType):
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return Record{}, fmt.Errorf("data: %w", err)
		}
		rec.Value, implied = []byte(text), "text/plain"
	case hasData:
		rec.Value, implied = bytes.Clone(data), "application/json"
	}
	if contentType != implied && contentType != "" {
		rec.Headers["content-type"] = contentType
	}
	return rec, nil
}

// readAttrs returns the attributes as strings; null means that an attribute is not there.
func readAttrs(members map[string]json.RawMessage) (map[string]string, error) {
	attrs := make(map[string]string, len(members))
	for name, raw := range members {
		switch raw[0] {
		case '"':
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			attrs[name] = s
		case '{', '[':
			return nil, fmt.Errorf("the attribute %s is neither a string nor a number nor a Boolean", name)
		case 'n':
		default:
			attrs[name] = string(raw)
		}
	}
	return attrs, nil
}

// fromAttrs returns the record without its payload. The attributes that have a place of their own are taken out of attrs,
// all but datacontenttype become headers.
func fromAttrs(attrs map[string]string) (Record, error) {
	take := func(name string) string {
		s := attrs[name]
		delete(attrs, name)
		return s
	}
	contentType := take("datacontenttype")
	take("specversion")
	rec := Record{
		ID: take("id"), Key: take(attrKey), Partition: take(attrPartition), Position: take(attrPosition),
		Op: Op(take(attrOp)), Type: take("type"), Subject: take("subject"),
	}
	if rec.Type == DefaultEventType {
		rec.Type = ""
	}
	if s := take("time"); s != "" {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return Record{}, fmt.Errorf("time %q is no RFC 3339 time", s)
		}
		rec.Time = t
	}
	if s := take(attrKeyBytes); s != "" {
		key, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return Record{}, fmt.Errorf("%s: %w", attrKeyBytes, err)
		}
		rec.Key = string(key)
	}
	others := take(attrHeaders)
	attrs[EventSourceHeader] = take("source")
	rec.Headers = make(map[string]string, len(attrs)+1)
	for name, value := range attrs {
		rec.Headers[name] = value
	}
	if others != "" {
		var more map[string]string // not the headers themselves, of which null would leave nothing
		if err := json.Unmarshal([]byte(others), &more); err != nil {
			return Record{}, fmt.Errorf("%s: %w", attrHeaders, err)
		}
		maps.Copy(rec.Headers, more)
	}
	attrs["datacontenttype"] = contentType
	return rec, nil
}
