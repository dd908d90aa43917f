package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

// positionVersion is raised when a position no longer means what it did.
const positionVersion = 1

// A position is what is remembered of the first page of a poll: how to ask whether it was modified, and what it said.
type position struct {
	Version      int    `json:"v"`
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
	SHA256       string `json:"sha256"` // of the body
}

// position remembers a page.
func (pg *page) position() position {
	sum := sha256.Sum256(pg.body)
	return position{
		Version: positionVersion, ETag: pg.header.Get("ETag"), LastModified: pg.header.Get("Last-Modified"),
		SHA256: base64.RawURLEncoding.EncodeToString(sum[:]),
	}
}

// condition asks for an answer only if the page is no longer what it was.
func (p position) condition(h http.Header) {
	if p.ETag != "" {
		h.Set("If-None-Match", p.ETag)
	}
	if p.LastModified != "" {
		h.Set("If-Modified-Since", p.LastModified)
	}
}

// String writes the position as it is saved.
func (p position) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // three strings and a number always encode
	}
	return string(text)
}

// parsePosition reads a saved position; the empty one is the zero value.
func parsePosition(text string) (p position, err error) {
	if text == "" {
		return position{}, nil
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil || p.Version != positionVersion || p.SHA256 == "" {
		return position{}, fmt.Errorf("the saved position %q is not one that http-source %s can read; choose another --name, or "+
			"start over with http-source state reset", text, info.Version)
	}
	return p, nil
}
