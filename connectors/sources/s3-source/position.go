package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// positionVersion is raised when a position no longer means what it did.
const positionVersion = 1

// A position says which object was read last and how far. It names one state of the object, so that it never recurs.
type position struct {
	Version  int       `json:"v"`
	Order    string    `json:"order"` // of the objects, as --order says
	Key      string    `json:"key"`
	ETag     string    `json:"etag"`
	Modified time.Time `json:"modified"`
	// Offset is where the next record begins, in bytes of what the object holds when decompressed, and Form what that is;
	// both are left out when the object is read to its end.
	Offset int64  `json:"offset,omitempty"`
	Form   string `json:"form,omitempty"`
}

// whole reports whether the object is read to its end.
func (p position) whole() bool { return p.Form == "" }

// after reports whether an object stands after the position in its order.
func (p position) after(o object) bool {
	switch {
	case p.Order == "modified" && !o.modified.Equal(p.Modified):
		return o.modified.After(p.Modified)
	default:
		return o.key > p.Key
	}
}

// String writes the position as it is saved.
func (p position) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts, numbers and a time of this era always encode
	}
	return string(text)
}

// parsePosition reads a saved position; the empty one stands before all objects.
func parsePosition(text, order string) (p position, err error) {
	if text == "" {
		return position{Version: positionVersion, Order: order}, nil
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil || p.Version != positionVersion || p.Key == "" || p.Offset < 0 {
		return position{}, fmt.Errorf("the saved position %q is not one that s3-source %s can read; choose another --name, or start over "+
			"with s3-source state reset", text, info.Version)
	}
	if p.Order != order {
		return position{}, fmt.Errorf("the saved position is one of --order %s, which says nothing about --order %s; choose another --name, "+
			"or start over with s3-source state reset", p.Order, order)
	}
	return p, nil
}
