package site

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A member is one name and value of a JSON object. Schemas list options in an order that means something, which a Go map
// would lose.
type member struct {
	Name  string
	Value json.RawMessage
}

// members decodes a JSON object and keeps the order of its names. Empty input is an empty object.
func members(raw json.RawMessage) ([]member, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	start, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	if start != json.Delim('{') {
		return nil, fmt.Errorf("read object: starts with %v", start)
	}
	var list []member
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("read object: %w", err)
		}
		m := member{Name: name.(string)}
		if err := dec.Decode(&m.Value); err != nil {
			return nil, fmt.Errorf("read %q: %w", m.Name, err)
		}
		list = append(list, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	return list, nil
}

// words is a JSON string, or a list of them: draft-07 allows both for "type", and x-env may name several variables.
type words []string

// UnmarshalJSON accepts a string or a list of strings.
func (w *words) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*w = words{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(data, &many); err != nil {
		return fmt.Errorf("want a string or a list of strings: %w", err)
	}
	*w = many
	return nil
}

// first gives the first word, or "".
func (w words) first() string {
	for _, word := range w {
		if word != "null" { // foreign programs write ["integer", "null"]
			return word
		}
	}
	return ""
}

// A property is the part of a JSON Schema that the site shows.
type property struct {
	Type        words             `json:"type"`
	Description string            `json:"description"`
	Default     json.RawMessage   `json:"default"`
	Enum        []json.RawMessage `json:"enum"`
	Pattern     string            `json:"pattern"`
	Minimum     json.Number       `json:"minimum"`
	Maximum     json.Number       `json:"maximum"`
	Items       *property         `json:"items"`
	WriteOnly   bool              `json:"writeOnly"`
	Properties  json.RawMessage   `json:"properties"`
	Required    []string          `json:"required"`

	Group       string `json:"x-group"`
	Env         words  `json:"x-env"`
	Shared      bool   `json:"x-shared"`
	XType       string `json:"x-type"`
	Unit        string `json:"x-unit"`
	Placeholder string `json:"x-placeholder"`
	Change      string `json:"x-change"`
	Identity    bool   `json:"x-identity"`
	Hidden      bool   `json:"x-hidden"`
	Sep         string `json:"x-sep"` // "none": a flag holds one element, whatever commas are in it
}

// An option is one property of a connector's schema, ready to be shown.
type option struct {
	Name        string
	Anchor      string // the id of its row
	Type        string // in words
	Range       string // in words, or ""
	Description string
	Default     string
	HasDefault  bool
	Required    bool
	Secret      bool
	Allowed     []string
	Pattern     string
	Env         string
	Placeholder string
	Change      string // in words, or ""
	Identity    bool
	Shared      bool

	hidden bool   // accepted, but told to nobody
	kind   string // the JSON type
	whole  bool   // a list whose flag holds one element
	group  string
}

// A group is a titled run of options.
type group struct {
	Title   string
	Anchor  string
	Shared  bool
	Options []option
}

// decodeOptions reads the options of a schema in the order in which they stand there.
func decodeOptions(schema json.RawMessage) ([]option, error) {
	var root property
	if err := json.Unmarshal(schema, &root); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	properties, err := members(root.Properties)
	if err != nil {
		return nil, fmt.Errorf("read properties: %w", err)
	}
	required := make(map[string]bool, len(root.Required))
	for _, name := range root.Required {
		required[name] = true
	}
	options := make([]option, 0, len(properties))
	anchors := map[string]bool{}
	for _, m := range properties {
		var p property
		if err := json.Unmarshal(m.Value, &p); err != nil {
			return nil, fmt.Errorf("read option %q: %w", m.Name, err)
		}
		o := newOption(m.Name, p, required[m.Name])
		o.Anchor = unique(anchors, "option-"+slug(m.Name))
		options = append(options, o)
	}
	return options, nil
}

// variable gives the name of an environment variable, or "" where a shell would take it for something else: the name is
// pasted into commands.
func variable(name string) string {
	if !safeVariable.MatchString(name) {
		return ""
	}
	return name
}

func newOption(name string, p property, required bool) option {
	o := option{
		Name:        name,
		Type:        typeWords(p),
		Range:       rangeWords(p),
		Description: p.Description,
		Required:    required,
		Secret:      p.WriteOnly,
		Env:         variable(p.Env.first()),
		Placeholder: p.Placeholder,
		Change:      changeWords(p.Change),
		Identity:    p.Identity,
		Shared:      p.Shared,
		kind:        p.Type.first(),
		hidden:      p.Hidden,
		whole:       p.Sep == "none" || p.Shared && isTransform(name),
		group:       p.Group,
	}
	if p.XType == "" {
		o.Pattern = p.Pattern // a named type says more than the expression it is checked by
	}
	for _, value := range choices(p) {
		o.Allowed = append(o.Allowed, plain(value))
	}
	if len(p.Default) > 0 && !p.WriteOnly {
		o.Default, o.HasDefault = plain(p.Default), true
	}
	return o
}

// groupOptions sorts options into their groups, in order of first appearance; the connector's own come before the shared.
func groupOptions(options []option) []group {
	type key struct {
		shared bool
		title  string
	}
	var groups []group
	at := map[key]int{}
	used := map[string]bool{}
	for _, shared := range []bool{false, true} {
		for _, o := range options {
			if o.Shared != shared || o.hidden {
				continue
			}
			k := key{shared, o.group}
			i, ok := at[k]
			if !ok {
				i = len(groups)
				at[k] = i
				title := o.group
				if title == "" || title == "Options" { // which is what the section is called
					title = "General"
				}
				groups = append(groups, group{Title: title, Anchor: unique(used, "group-"+slug(title)), Shared: shared})
			}
			groups[i].Options = append(groups[i].Options, o)
		}
	}
	return groups
}

// A field is one value in a record, for the record contract.
type field struct {
	Path        string
	Type        string
	Description string
	Required    bool
}

// maxDepth bounds how deep a record's schema is unfolded; the JSON beside the table has the rest.
const maxDepth = 6

// decodeFields flattens a record's JSON Schema to paths such as "response.status".
func decodeFields(schema json.RawMessage) ([]field, error) {
	if len(schema) == 0 {
		return nil, nil
	}
	var root property
	if err := json.Unmarshal(schema, &root); err != nil {
		return nil, fmt.Errorf("read record schema: %w", err)
	}
	return root.fields("", 0)
}

// describe gives what a schema says of the whole record, or "".
func describe(schema json.RawMessage) string {
	var root property
	if json.Unmarshal(schema, &root) != nil {
		return "" // decodeFields tells why
	}
	return root.Description
}

func (p property) fields(prefix string, depth int) ([]field, error) {
	properties, err := members(p.Properties)
	if err != nil {
		return nil, err
	}
	required := " " + strings.Join(p.Required, " ") + " "
	var list []field
	for _, m := range properties {
		var child property
		if string(m.Value) != "true" { // a schema may be just true: anything goes
			if err := json.Unmarshal(m.Value, &child); err != nil {
				return nil, fmt.Errorf("read field %q: %w", prefix+m.Name, err)
			}
		}
		path := prefix + m.Name
		list = append(list, field{
			Path: path, Type: typeWords(child), Description: child.Description,
			Required: strings.Contains(required, " "+m.Name+" "),
		})
		if depth == maxDepth {
			continue
		}
		nested, inner := child, path+"."
		if child.Items != nil {
			nested, inner = *child.Items, path+"[]."
		}
		below, err := nested.fields(inner, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, below...)
	}
	return list, nil
}
