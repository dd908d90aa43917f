package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common"
)

// Discover implements common.Discoverer: it finds the tables that records can be written to with the other options.
func (m *MySQLSink) Discover(ctx context.Context) ([]common.Found, error) {
	ctx, cancel := m.patience(ctx)
	defer cancel()
	db, err := m.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close() // only read from
	tables, err := listTables(ctx, db, m.Database, m.Table)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, judge(fmt.Errorf("list the tables: %w", err))
	}
	var all []common.Found
	for _, t := range tables {
		if options := m.options(t); options != nil {
			all = append(all, common.Found{Name: t.database + "." + t.name, Options: options})
		}
	}
	return all, nil
}

// A listed is a table that the server has.
type listed struct {
	database, name string
	primary        []string // the columns of its primary key in their order; an empty name is a part of a column, which is no key
}

// listTables finds the tables that the user has rights on, but for those of the server itself: of one database, or of all
// where that is empty; of one name, or of all.
func listTables(ctx context.Context, db *sql.DB, database, name string) (all []listed, err error) {
	rows, err := db.QueryContext(ctx, `SELECT t.TABLE_SCHEMA, t.TABLE_NAME, IF(s.SUB_PART IS NULL, s.COLUMN_NAME, '')
		FROM information_schema.TABLES t LEFT JOIN information_schema.STATISTICS s
			ON s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME AND s.INDEX_NAME = 'PRIMARY'
		WHERE t.TABLE_TYPE = 'BASE TABLE' AND t.TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')
			AND (? = '' OR t.TABLE_SCHEMA = ?) AND (? = '' OR t.TABLE_NAME = ?)
		ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME, s.SEQ_IN_INDEX`, database, database, name, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var t listed
		var column sql.NullString
		if err := rows.Scan(&t.database, &t.name, &column); err != nil {
			return nil, err
		}
		if n := len(all); n == 0 || all[n-1].database != t.database || all[n-1].name != t.name {
			all = append(all, t)
		}
		if last := &all[len(all)-1]; column.Valid {
			last.primary = append(last.primary, column.String)
		}
	}
	return all, rows.Err()
}

// options are what writes to a table by its primary key, nil if the options that are given do not.
func (m *MySQLSink) options(t listed) map[string]any {
	one := *m
	one.Database, one.Table = t.database, t.name
	found := map[string]any{"database": t.database, "table": t.name}
	switch {
	case m.Mode == "insert": // asks for no key
	case len(m.Key) > 0 && !sameColumns(m.Key, t.primary):
		return nil
	case len(m.Key) > 0:
	case len(t.primary) > 0 && !slices.Contains(t.primary, ""):
		one.Key, found["key"] = t.primary, t.primary
	default:
		one.Mode, found["mode"] = "insert", "insert"
	}
	if one.Validate() != nil {
		return nil
	}
	return found
}

// sameColumns reports whether two lists hold the same columns, in whatever order and case.
func sameColumns(a, b []string) bool {
	lower := func(names []string) (all []string) {
		for _, name := range names {
			all = append(all, strings.ToLower(name))
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(lower(a), lower(b))
}

var _ common.Discoverer = (*MySQLSink)(nil)
