package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common"
)

// A part is the records of a batch that one request carries.
type part struct {
	array   bool
	body    bytes.Buffer
	records []int // indices within the batch
}

// sendTogether sends the records of a batch in as few requests as max-body allows, one after the other. What cannot be
// written as JSON is refused when its turn has come, so that what is before it has been sent.
func (s *sender) sendTogether(ctx context.Context, b *common.Batch) error {
	p := &part{array: s.Body == "json-array"}
	for i := range b.Records {
		value, err := jsonValue(b.Records[i].Value)
		if err != nil || s.MaxBody > 0 && p.sizeWith(value) > int64(s.MaxBody) {
			if err := s.sendPart(ctx, b, p); err != nil {
				return err
			}
		}
		if err != nil {
			if err := settle(b, []int{i}, &refusal{err}); err != nil {
				return err
			}
			continue
		}
		p.add(i, value)
	}
	return s.sendPart(ctx, b, p)
}

// sendPart sends a part, unless it is empty, and empties it.
func (s *sender) sendPart(ctx context.Context, b *common.Batch, p *part) error {
	if len(p.records) == 0 {
		return nil
	}
	r := &request{method: s.Method, address: s.Endpoint.String(), header: http.Header{}, body: p.bytes()}
	contentType := s.ContentType
	switch {
	case contentType != "":
	case p.array:
		contentType = "application/json"
	default:
		contentType = "application/x-ndjson"
	}
	r.header.Set("Content-Type", contentType)
	err := settle(b, p.records, s.post(ctx, r))
	*p = part{array: p.array}
	return err
}

// add puts a record into the part.
func (p *part) add(i int, value []byte) {
	switch {
	case !p.array:
	case len(p.records) == 0:
		p.body.WriteByte('[')
	default:
		p.body.WriteByte(',')
	}
	p.body.Write(value)
	if !p.array {
		p.body.WriteByte('\n')
	}
	p.records = append(p.records, i)
}

// sizeWith is the length of the body with one more value: a bracket or comma before it and a bracket behind it, or a
// newline.
func (p *part) sizeWith(value []byte) int64 {
	size := int64(p.body.Len() + len(value) + 1)
	if p.array {
		size++
	}
	return size
}

// bytes ends the body and returns it.
func (p *part) bytes() []byte {
	if p.array {
		p.body.WriteByte(']')
	}
	return p.body.Bytes()
}

// jsonValue is a payload as a JSON value in one line: JSON as it is, other text as a string.
func jsonValue(payload []byte) ([]byte, error) {
	switch {
	case !utf8.Valid(payload):
		return nil, errors.New("the payload is neither JSON nor text, so that it cannot be a JSON value; " +
			"--body record sends it as it is")
	case json.Valid(payload) && !bytes.ContainsAny(payload, "\r\n"):
		return payload, nil
	case json.Valid(payload):
		var line bytes.Buffer
		err := json.Compact(&line, payload)
		return line.Bytes(), err
	}
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	err := e.Encode(string(payload))
	return bytes.TrimSuffix(line.Bytes(), []byte("\n")), err
}
