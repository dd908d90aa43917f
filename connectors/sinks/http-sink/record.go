package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/record"
)

// sendEach makes one request for each record, some at a time. After the first failure that may pass it makes no new ones,
// and returns when those under way are settled.
func (s *sender) sendEach(ctx context.Context, b *common.Batch) error {
	var (
		running sync.WaitGroup
		once    sync.Once
		failure error
		halted  = make(chan struct{})
	)
	for _, lane := range s.lanes(b.Records) {
		running.Go(func() {
			for _, i := range lane {
				select {
				case <-halted:
					return
				default:
				}
				if err := settle(b, []int{i}, s.sendRecord(ctx, &b.Records[i])); err != nil {
					once.Do(func() { failure = err; close(halted) })
				}
			}
		})
	}
	running.Wait()
	return failure
}

var laneSeed = maphash.MakeSeed()

// lanes spreads records, by their indices, over as many lanes as there may be requests at a time. Each lane is sent in
// order, and records with the same key are in the same lane.
func (s *sender) lanes(recs []common.Record) [][]int {
	lanes := make([][]int, s.Parallel)
	next := 0 // lane for a record without key
	for i := range recs {
		lane := next
		if key := recs[i].Key; key != "" {
			lane = int(maphash.String(laneSeed, key) % uint64(s.Parallel))
		} else {
			next = (next + 1) % s.Parallel
		}
		lanes[lane] = append(lanes[lane], i)
	}
	return lanes
}

func (s *sender) sendRecord(ctx context.Context, rec *common.Record) error {
	r, err := s.request(rec)
	if err != nil {
		return &refusal{err}
	}
	return s.post(ctx, r)
}

// request makes the request for one record.
func (h *HTTPSink) request(rec *common.Record) (*request, error) {
	r := &request{method: h.Method, address: h.Endpoint.String(), header: http.Header{}, body: rec.Value}
	op := record.Upsert
	if rec.Op == record.Delete {
		op = record.Delete
		if h.DeleteMethod != "" {
			r.method, r.deletes, r.body = h.DeleteMethod, true, nil
		}
	}
	if h.KeyInPath {
		address, err := appendKey(&h.Endpoint.URL, rec.Key)
		if err != nil {
			return nil, err
		}
		r.address = address
	}
	for _, field := range []struct{ header, value, what string }{
		{h.IDHeader, rec.ID, "id"}, {h.KeyHeader, rec.Key, "key"}, {h.OpHeader, string(op), "op"},
	} {
		if field.header == "" || field.value == "" {
			continue
		}
		if !isFieldValue(field.value) {
			return nil, fmt.Errorf("the record's %s has control characters, which no header can hold", field.what)
		}
		r.header.Set(field.header, field.value)
	}
	if contentType := h.contentType(rec); contentType != "" && !r.deletes {
		r.header.Set("Content-Type", contentType)
	}
	return r, nil
}

// contentType says what the payload of a record is, unless there is none.
func (h *HTTPSink) contentType(rec *common.Record) string {
	if h.ContentType != "" || len(rec.Value) == 0 {
		return h.ContentType
	}
	for name, value := range rec.Headers {
		if strings.EqualFold(name, "content-type") && value != "" && isFieldValue(value) {
			return value
		}
	}
	switch {
	case !utf8.Valid(rec.Value):
		return "application/octet-stream"
	case json.Valid(rec.Value):
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

// appendKey returns the address of what a key names below the endpoint.
func appendKey(endpoint *url.URL, key string) (string, error) {
	if key == "" {
		return "", errors.New("the record has no key, which --key-in-path needs")
	}
	// Servers resolve such names even where they are escaped: the key could lead elsewhere.
	for _, name := range strings.FieldsFunc(key, func(r rune) bool { return r == '/' || r == '\\' }) {
		if name == "." || name == ".." {
			return "", errors.New("the record's key has . or .. in it, which --key-in-path cannot take")
		}
	}
	at := *endpoint
	at.RawPath = strings.TrimSuffix(endpoint.EscapedPath(), "/") + "/" + url.PathEscape(key)
	at.Path = strings.TrimSuffix(endpoint.Path, "/") + "/" + key
	return at.String(), nil
}

// isFieldValue reports whether text can be the value of a header.
func isFieldValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == '\x7f' })
}
