package site

import (
	"encoding/json"
	"fmt"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

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
	Deprecated  string   // until when it is kept and what to do, or ""
	Formerly    []string // names that it had and is still taken by

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
	read, err := options.Read(schema)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	list := make([]option, 0, len(read.Options))
	anchors := map[string]int{}
	for _, p := range read.Options {
		o := newOption(p)
		o.Anchor = unique(anchors, "option-"+slug(p.Name))
		list = append(list, o)
	}
	return list, nil
}

// variable gives the name of an environment variable, or "" where a shell would take it for something else: the name is
// pasted into commands.
func variable(name string) string {
	if !safeVariable.MatchString(name) {
		return ""
	}
	return name
}

func newOption(p options.Option) option {
	o := option{
		Name:        p.Name,
		Type:        typeWords(p),
		Range:       rangeWords(p),
		Description: p.Description,
		Required:    p.Required,
		Secret:      p.Secret,
		Env:         variable(p.Env),
		Placeholder: p.Placeholder,
		Change:      changeWords(p.Change),
		Identity:    p.Identity,
		Shared:      p.Shared,
		Deprecated:  p.DeprecatedWords(func(flag string) string { return flag }),
		Formerly:    p.Aliases,
		kind:        p.Type.First(),
		hidden:      p.Hidden,
		whole:       p.Sep == "none" || p.Shared && isTransform(p.Name),
		group:       p.Group,
	}
	if p.Kind == "" {
		o.Pattern = p.Pattern // a named type says more than the expression it is checked by
	}
	for _, value := range choices(p) {
		o.Allowed = append(o.Allowed, options.Plain(value))
	}
	if len(p.Default) > 0 && !p.Secret {
		o.Default, o.HasDefault = options.Plain(p.Default), true
	}
	return o
}

// groupOptions sorts options into their groups, in order of first appearance; the connector's own come before the shared.
func groupOptions(all []option) []group {
	type key struct {
		shared bool
		title  string
	}
	var groups []group
	at := map[key]int{}
	used := map[string]int{}
	for _, shared := range []bool{false, true} {
		for _, o := range all {
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

// decodeFields flattens a record's JSON Schema to paths such as "response.status". It also gives what the schema says of the
// whole record.
func decodeFields(schema json.RawMessage) (note string, list []field) {
	note, fields := options.Fields(schema)
	for _, f := range fields {
		list = append(list, field{Path: f.Path, Type: typeWords(f.Option), Description: f.Description, Required: f.Required})
	}
	return note, list
}
