package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

type kind int

const (
	text kind = iota
	number
	boolean
	null
	list
	mapping
	// invalid is a value that no reader of config files takes; its message and fix say why.
	invalid
)

// String names the kind as a message does.
func (k kind) String() string {
	return [...]string{"text", "a number", "a boolean", "null", "a list", "a mapping", "not usable"}[k]
}

// A node is a value of the file with its place. Both front ends, JSON and YAML, make nodes and judge nothing but syntax
// and limits; the binder judges the rest, as it knows the key that a value stands under. An alias is the same node again.
type node struct {
	kind         kind
	line, column int
	text         string  // of text, number and boolean
	items        []*node // of list
	entries      []entry // of mapping
	message, fix string  // of invalid

	size  int // bytes of text plus one for each node below, aliases written out
	depth int // 1 for a scalar
}

type entry struct {
	key          string
	line, column int
	value        *node
	message, fix string // if the key cannot be used
}

// measure sets size and depth from the node's children, whose own are set.
func (n *node) measure() {
	n.size, n.depth = 1+len(n.text), 1
	for _, item := range n.items {
		n.size += item.size
		n.depth = max(n.depth, item.depth+1)
	}
	for _, e := range n.entries {
		n.size += len(e.key) + e.value.size
		n.depth = max(n.depth, e.value.depth+1)
	}
}

// parse makes the tree of a file. Content that is valid JSON is read as JSON whatever the path says: it keeps every
// string exact, where YAML readers differ in the corners of JSON's escapes.
func parse(path string, data []byte) (*node, *Problem) {
	if len(data) > MaxBytes {
		return nil, &Problem{Line: 1, Message: fmt.Sprintf("the file is larger than %d bytes", MaxBytes)}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if at := invalidUTF8(data); at >= 0 {
		line, column := position(data, at)
		return nil, &Problem{Line: line, Column: column, Message: "the file is not UTF-8", Fix: "save it as UTF-8"}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, emptyFile()
	}
	if strings.EqualFold(filepath.Ext(path), ".json") || json.Valid(data) {
		return parseJSON(data)
	}
	return parseYAML(data)
}

func emptyFile() *Problem {
	return &Problem{Line: 1, Message: "the file is empty", Fix: "write name, topic and parameters, or leave out --config"}
}

func tooDeep(line, column int) *Problem {
	return &Problem{Line: line, Column: column, Message: fmt.Sprintf("lists and mappings nest deeper than %d", MaxDepth)}
}

// invalidUTF8 is the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
}

// position is the line and column of an offset; columns count characters.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	line = 1 + bytes.Count(before, []byte("\n"))
	return line, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}
