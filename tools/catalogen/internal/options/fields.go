package options

import (
	"bytes"
	"encoding/json"
	"slices"
)

// A Field is one value in a record, as the record's schema describes it.
type Field struct {
	Path   string // such as response.items[].id
	Option        // Name is the last word of the path
}

// maxDepth bounds how deep a record's schema is unfolded.
const maxDepth = 6

// Fields flattens the JSON Schema of a record into the fields it names, and returns what it says of the whole. Schemas of
// records are free in their form: what cannot be read of one is left out, and nothing is an error.
func Fields(schema json.RawMessage) (description string, fields []Field) {
	root := readNode(schema)
	return root.Description, root.fields("", 0)
}

// A node is a schema within a record's schema.
type node struct {
	Option
	properties []member
	required   []string
	items      *node
}

// readNode reads one schema, which may also be true or false.
func readNode(text json.RawMessage) node {
	var n node
	var parts map[string]json.RawMessage
	if json.Unmarshal(text, &parts) != nil {
		return n
	}
	if json.Unmarshal(text, &n.Option) != nil {
		n.Option = Option{}
	}
	n.properties = members(parts["properties"])
	if json.Unmarshal(parts["required"], &n.required) != nil {
		n.required = nil
	}
	if parts["items"] != nil {
		items := readNode(parts["items"])
		n.items = &items
	}
	return n
}

// A member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members lists those of an object, none of any other value, in the order in which they stand there.
func members(text json.RawMessage) (list []member) {
	err := each("properties", json.NewDecoder(bytes.NewReader(text)), func(d *json.Decoder, name string) error {
		m := member{name: name}
		err := d.Decode(&m.value)
		list = append(list, m)
		return err
	})
	if err != nil {
		return nil
	}
	return list
}

func (n node) fields(prefix string, depth int) []Field {
	var fields []Field
	for _, m := range n.properties {
		child := readNode(m.value)
		child.Name, child.Required = m.name, slices.Contains(n.required, m.name)
		path := prefix + m.name
		fields = append(fields, Field{Path: path, Option: child.Option})
		if depth == maxDepth {
			continue
		}
		if child.items != nil {
			fields = append(fields, child.items.fields(path+"[].", depth+1)...)
		} else {
			fields = append(fields, child.fields(path+".", depth+1)...)
		}
	}
	return fields
}
