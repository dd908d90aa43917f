package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A kind is how a column wants values that JSON and SQL write in different ways.
type kind int

const (
	kindOther kind = iota // numbers, bits and bytes
	kindText              // a number or a truth value is its text
	kindTime              // an RFC 3339 time is written as SQL has it, in UTC
	kindJSON              // every value is JSON text
)

// kindOf knows the names of types in information_schema.COLUMNS.
func kindOf(dataType string) kind {
	switch strings.ToLower(dataType) {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		return kindText
	case "date", "datetime", "timestamp", "time":
		return kindTime
	case "json":
		return kindJSON
	}
	return kindOther
}

// A column of the table.
type column struct {
	name string // as the table spells it
	kind kind
}

// A table is what the sink knows about the table it writes to. Names are found in lower case, as the server finds them.
type table struct {
	name      string
	columns   map[string]column
	unique    [][]string // the columns of each unique index, in lower case and sorted
	maxPacket int        // the most bytes that the server takes in one message
}

// readTable asks the server about a table.
func readTable(ctx context.Context, db *sql.DB, database, name string) (*table, error) {
	t := &table{name: name, columns: map[string]column{}}
	err := each(ctx, db, "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
		[]any{database, name}, func(name, dataType string) {
			t.columns[strings.ToLower(name)] = column{name, kindOf(dataType)}
		})
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", name, err)
	}
	if len(t.columns) == 0 {
		return nil, &refusal{fmt.Errorf("database %s has no table %s, or the user has no rights on it", database, name)}
	}
	indexes := map[string][]string{}
	// An index over a part of a column, or over an expression, is no key: an empty name stands for that.
	err = each(ctx, db, "SELECT INDEX_NAME, IF(SUB_PART IS NULL, COALESCE(COLUMN_NAME, ''), '') FROM information_schema.STATISTICS "+
		"WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0",
		[]any{database, name}, func(index, name string) {
			indexes[index] = append(indexes[index], strings.ToLower(name))
		})
	if err != nil {
		return nil, fmt.Errorf("read the indexes of %s: %w", name, err)
	}
	for _, columns := range indexes {
		slices.Sort(columns)
		t.unique = append(t.unique, columns)
	}
	if err := db.QueryRowContext(ctx, "SELECT @@max_allowed_packet").Scan(&t.maxPacket); err != nil {
		return nil, fmt.Errorf("read max_allowed_packet: %w", err)
	}
	return t, nil
}

// each calls take with both columns of each row of a query.
func each(ctx context.Context, db *sql.DB, query string, args []any, take func(a, b string)) (err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a, b string
		if err := rows.Scan(&a, &b); err != nil {
			return err
		}
		take(a, b)
	}
	return rows.Err()
}

// column finds a column that an option names.
func (t *table) column(option, name string) (column, error) {
	c, ok := t.columns[strings.ToLower(name)]
	if !ok {
		return c, fmt.Errorf("--%s: table %s has no column %s", option, t.name, name)
	}
	return c, nil
}

// hasKey reports whether a unique index holds just the columns named.
func (t *table) hasKey(names []string) bool {
	key := make([]string, len(names))
	for i, name := range names {
		key[i] = strings.ToLower(name)
	}
	slices.Sort(key)
	return slices.ContainsFunc(t.unique, func(columns []string) bool { return slices.Equal(columns, key) })
}
