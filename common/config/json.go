package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"sync"
	"unicode/utf8"
)

// jsonReader makes nodes from JSON tokens and keeps their places.
type jsonReader struct {
	data    []byte
	decoder *json.Decoder
	// The place of the byte at offset at; it only moves forward, so that a file is counted once.
	at, line, column int
}

func parseJSON(data []byte) (*node, *Problem) {
	r := &jsonReader{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1, column: 1}
	r.decoder.UseNumber()
	root, problem := r.value(1)
	if problem != nil {
		return nil, problem
	}
	r.advance(int(r.decoder.InputOffset()))
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		r.skip()
		return nil, &Problem{
			Line: r.line, Column: r.column, Message: "something follows the end of the JSON document",
			Fix: "keep one document in a file",
		}
	}
	return root, nil
}

func (r *jsonReader) value(depth int) (*node, *Problem) {
	token, problem := r.next()
	if problem != nil {
		return nil, problem
	}
	n := &node{line: r.line, column: r.column}
	switch token := token.(type) {
	case string:
		n.text = token
	case json.Number:
		n.kind, n.text = number, token.String()
	case bool:
		n.kind, n.text = boolean, strconv.FormatBool(token)
	case nil:
		n.kind = null
	case json.Delim:
		if depth >= MaxDepth {
			return nil, tooDeep(n.line, n.column)
		}
		n.kind = list
		if token == '{' {
			n.kind = mapping
		}
		if problem := r.children(n, depth); problem != nil {
			return nil, problem
		}
	}
	n.measure()
	return n, nil
}

func (r *jsonReader) children(n *node, depth int) *Problem {
	for r.decoder.More() {
		var e entry
		if n.kind == mapping {
			token, problem := r.next()
			if problem != nil {
				return problem
			}
			key, _ := token.(string) // the decoder takes nothing else for a key
			e = entry{key: key, line: r.line, column: r.column}
		}
		value, problem := r.value(depth + 1)
		if problem != nil {
			return problem
		}
		if n.kind == mapping {
			e.value = value
			n.entries = append(n.entries, e)
		} else {
			n.items = append(n.items, value)
		}
	}
	_, problem := r.next() // the closing delimiter
	return problem
}

// next reads one token and leaves line and column where it starts.
func (r *jsonReader) next() (json.Token, *Problem) {
	r.advance(int(r.decoder.InputOffset()))
	token, err := r.decoder.Token()
	r.skip()
	if err != nil {
		return nil, r.syntax(err)
	}
	return token, nil
}

// skip moves over what stands between tokens.
func (r *jsonReader) skip() {
	to := r.at
	for to < len(r.data) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[to]) >= 0 {
		to++
	}
	r.advance(to)
}

func (r *jsonReader) advance(to int) {
	passed := r.data[r.at:max(to, r.at)]
	if last := bytes.LastIndexByte(passed, '\n'); last >= 0 {
		r.line += bytes.Count(passed, []byte("\n"))
		r.column = 1
		passed = passed[last+1:]
	}
	r.column += utf8.RuneCount(passed)
	r.at = max(to, r.at)
}

// letter is how encoding/json names a character that it met. A letter or digit may be a piece of a secret.
var letter = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^invalid character '[^{}\[\]:,"\\]+'`) })

// syntax places an error where its token starts: the decoder's own offsets count from different places.
func (r *jsonReader) syntax(err error) *Problem {
	message := "it ends too early"
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		message = letter().ReplaceAllString(syntax.Error(), "unexpected character")
	}
	return &Problem{Line: r.line, Column: r.column, Message: "the file is not valid JSON: " + message}
}
