package site_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"testing"
)

// An element is one element of a page, with the text that stands directly in it.
type element struct {
	name  string
	attrs []xml.Attr
	text  string
}

func (e element) find(name string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

func (e element) attr(name string) string {
	value, _ := e.find(name)
	return value
}

// void elements have no end tag.
var void = []string{"base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}

// elements reads a page and fails the test where an element is not closed in the order in which it was opened.
func elements(t *testing.T, file string, page []byte) []element {
	t.Helper()
	dec := xml.NewDecoder(bytes.NewReader(page))
	dec.Strict = false // attributes without a value
	dec.Entity = xml.HTMLEntity
	var list []element
	var open []int
	for {
		token, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			list = append(list, element{name: token.Name.Local, attrs: slices.Clone(token.Attr)})
			if !slices.Contains(void, token.Name.Local) {
				open = append(open, len(list)-1)
			}
		case xml.EndElement:
			if slices.Contains(void, token.Name.Local) { // written <br/>
				continue
			}
			if len(open) == 0 || list[open[len(open)-1]].name != token.Name.Local {
				t.Fatalf("%s: </%s> closes what is not open at byte %d", file, token.Name.Local, dec.InputOffset())
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				list[open[len(open)-1]].text += string(token)
			}
		}
	}
	for _, i := range open {
		t.Errorf("%s: <%s> is never closed", file, list[i].name)
	}
	return list
}
