package main

import (
	"fmt"
	"slices"
	"strings"
)

// A plan is how the options turn records into rows of the table.
type plan struct {
	table         *table
	mode          string
	key           []target
	columns       []target // in the order of the option; nil for all fields of the payload
	ignoreUnknown bool
}

// A target is a column and where its value comes from.
type target struct {
	column
	path string
}

// plan fits the options to the table.
func (m *MySQLSink) plan(t *table) (*plan, error) {
	p := &plan{table: t, mode: m.Mode, ignoreUnknown: m.UnknownFields == "ignore"}
	for _, text := range m.Columns {
		c := parseColumn(text)
		found, err := t.column("columns", c.name)
		if err != nil {
			return nil, err
		}
		p.columns = append(p.columns, target{found, c.path})
	}
	for _, name := range m.Key {
		found, err := t.column("key", name)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(p.columns, func(c target) bool { return c.name == found.name })
		if at >= 0 {
			p.key = append(p.key, p.columns[at])
		} else {
			p.key = append(p.key, target{found, name})
		}
	}
	if m.Mode != "insert" && !t.hasKey(m.Key) {
		return nil, fmt.Errorf("--key: table %s has no primary key or unique index on just %s, without which --mode %s would add rows "+
			"again; make one, or name its columns", t.name, strings.Join(m.Key, ", "), m.Mode)
	}
	return p, nil
}

// A columnOption is one element of --columns.
type columnOption struct{ name, path string }

func parseColumn(text string) columnOption {
	name, path, ok := strings.Cut(text, "=")
	if !ok {
		path = name
	}
	return columnOption{name, path}
}

// isKey reports whether a column is one of the key.
func (p *plan) isKey(name string) bool {
	return slices.ContainsFunc(p.key, func(c target) bool { return c.name == name })
}
