package cloudevents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/patchbay-dev/patchbay/common/record"
)

// Content types of the structured and the batched mode. Others that begin like them are formats that are not known here.
const (
	eventType = "application/cloudevents"
	jsonType  = eventType + "+json"
	batchType = eventType + "-batch"
	jsonBatch = batchType + "+json"
)

// A refusal is the answer to a request that holds nothing to read.
type refusal struct {
	status int
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Errorf(format, args...)}
}

// isEventType reports whether a content type announces the structured or the batched mode.
func isEventType(contentType string) bool {
	return len(contentType) >= len(eventType) && strings.EqualFold(contentType[:len(eventType)], eventType)
}

// checkType refuses a request whose content cannot be understood, before the body is read.
func checkType(h http.Header) error {
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refuse(http.StatusUnsupportedMediaType, "content encoding %q is not understood; send it without", encoding)
	}
	if n := len(h.Values(contentHeader)); n > 1 {
		return refuse(http.StatusBadRequest, "content-type is given %d times", n)
	}
	contentType := h.Get(contentHeader)
	if !isEventType(contentType) {
		return nil
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != eventType && media != jsonType && media != batchType && media != jsonBatch {
		return refuse(http.StatusUnsupportedMediaType, "content type %q is not understood; send %s, %s or the binary mode",
			contentType, jsonType, jsonBatch)
	}
	if c := params["charset"]; c != "" && !strings.EqualFold(c, "utf-8") && !strings.EqualFold(c, "us-ascii") {
		return refuse(http.StatusUnsupportedMediaType, "character set %q is not understood; send UTF-8", c)
	}
	return nil
}

// decode returns the records of a request in any mode. Every error is a refusal. checkType has been called.
func decode(h http.Header, body []byte, limit int) ([]record.Record, error) {
	contentType := h.Get(contentHeader)
	var (
		rec record.Record
		err error
	)
	switch {
	case len(contentType) >= len(batchType) && strings.EqualFold(contentType[:len(batchType)], batchType):
		return decodeBatch(body, limit)
	case isEventType(contentType):
		rec, err = record.UnmarshalCloudEvent(body)
	default:
		if rec, err = decodeBinary(h, body); err != nil {
			err = fmt.Errorf("read CloudEvent: %w", err)
		}
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, err}
	}
	return []record.Record{rec}, nil
}

// decodeBatch reads a JSON array of events. It reads them one by one, so that a body of many tiny things cannot take far more
// memory than its size.
func decodeBatch(body []byte, limit int) ([]record.Record, error) {
	bad := func(err error) error {
		return refuse(http.StatusBadRequest, "read CloudEvents: it is no JSON array: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	start, err := dec.Token()
	if err != nil {
		return nil, bad(err)
	}
	if start != json.Delim('[') {
		return nil, bad(errors.New("it begins with something else"))
	}
	var recs []record.Record
	var raw json.RawMessage
	for dec.More() {
		if len(recs) == limit {
			return nil, refuse(http.StatusRequestEntityTooLarge, "more than %d events in one request; send smaller batches", limit)
		}
		if err := dec.Decode(&raw); err != nil {
			return nil, bad(err)
		}
		rec, err := record.UnmarshalCloudEvent(raw)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "event %d of the batch: %w", len(recs)+1, err)
		}
		recs = append(recs, rec)
	}
	if _, err := dec.Token(); err != nil {
		return nil, bad(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, bad(errors.New("something follows it"))
	}
	return recs, nil
}
