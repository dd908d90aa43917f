package config

import (
	"encoding/json"
	"strconv"
	"strings"
)

// ParseLiteral reads a file of another platform: a mapping in YAML or JSON whose keys are the caller's to judge. Values are
// taken as they are, so that ${env:NAME} is text like any other; a null is as good as an absent key. All else is as in Parse,
// the limits and the forms of scalars included. The values have Any and Line set. path serves for messages, and for telling
// JSON by the ending .json. The error is an *Error that lists every problem; no message holds a value.
func ParseLiteral(path string, data []byte) (map[string]Value, error) {
	root, problem := parse(path, data)
	if problem != nil {
		problem.File = path
		return nil, &Error{Problems: []Problem{*problem}}
	}
	b := literalBinder{binder{file: &File{Path: path}}}
	if root.kind != mapping {
		b.problem(root.line, root.column, "", "the file is "+root.kind.String()+" and not a mapping", "")
	}
	values := map[string]Value{}
	for _, e := range b.unique(root, "", false) {
		if e.value.kind != null {
			values[e.key] = Value{Any: b.literal(e.value, e.key), Line: e.line}
		}
	}
	if len(b.problems) > 0 {
		return nil, &Error{Problems: sortProblems(b.problems)}
	}
	return values, nil
}

type literalBinder struct{ binder }

// literal gives the JSON form of a node.
func (b *literalBinder) literal(n *node, path string) any {
	switch n.kind {
	case number:
		return json.Number(n.text)
	case boolean:
		return strings.EqualFold(n.text, "true")
	case list:
		items := make([]any, 0, len(n.items))
		for i, item := range n.items {
			if item.kind != null {
				items = append(items, b.literal(item, path+"["+strconv.Itoa(i)+"]"))
			}
		}
		return items
	case mapping:
		fields := make(map[string]any, len(n.entries))
		for _, e := range b.unique(n, path, false) {
			if e.value.kind != null {
				fields[e.key] = b.literal(e.value, join(path, e.key))
			}
		}
		return fields
	case invalid:
		b.problem(n.line, n.column, path, n.message, n.fix)
		return nil
	}
	return n.text
}
