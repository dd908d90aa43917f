package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// maxParameters is the most that a prepared statement has: the protocol counts them in 16 bits.
	maxParameters = 65535
	// maxStatement is how many bytes of values go into one statement of several rows. It is well below any
	// max_allowed_packet in use.
	maxStatement = 512 << 10
)

// A statement writes some rows. Values are always parameters.
type statement struct {
	text string
	args []any
}

// statements writes rows in order. Rows that follow each other and have one shape share a statement, as many as fit.
func (p *plan) statements(rows []row) []statement {
	var all []statement
	for len(rows) > 0 {
		n, size := 1, rows[0].size
		for ; n < len(rows) && rows[n].deletes == rows[0].deletes && slices.Equal(rows[n].columns, rows[0].columns); n++ {
			size += rows[n].size
			if (n+1)*len(rows[n].columns) > maxParameters || size > maxStatement {
				break
			}
		}
		s := statement{text: p.insertion(rows[:n])}
		if rows[0].deletes {
			s.text = p.removal(rows[:n])
		}
		for i := range rows[:n] {
			s.args = append(s.args, rows[i].values...)
		}
		all, rows = append(all, s), rows[n:]
	}
	return all
}

func (p *plan) insertion(rows []row) string {
	columns := rows[0].columns
	quoted := make([]string, len(columns))
	for i, name := range columns {
		quoted[i] = quote(name)
	}
	places := "(" + repeat("?", len(columns), ", ") + ")"
	text := fmt.Sprintf("INSERT INTO %s (%s) VALUES %s", quote(p.table.name), strings.Join(quoted, ", "), repeat(places, len(rows), ", "))
	if p.mode == "insert" {
		return text
	}
	var updates []string
	for i, name := range columns {
		if p.mode == "upsert" && !p.isKey(name) {
			// VALUES is deprecated in MySQL 8, but what replaces it MariaDB does not know.
			updates = append(updates, fmt.Sprintf("%s = VALUES(%s)", quoted[i], quoted[i]))
		}
	}
	if len(updates) == 0 { // nothing to change; unlike INSERT IGNORE, this does not hide data that does not fit
		key := quote(p.key[0].name)
		updates = []string{key + " = " + key}
	}
	return text + " ON DUPLICATE KEY UPDATE " + strings.Join(updates, ", ")
}

func (p *plan) removal(rows []row) string {
	var one []string
	for _, name := range rows[0].columns {
		one = append(one, quote(name)+" = ?")
	}
	condition := repeat("("+strings.Join(one, " AND ")+")", len(rows), " OR ")
	if len(one) == 1 {
		condition = fmt.Sprintf("%s IN (%s)", quote(rows[0].columns[0]), repeat("?", len(rows), ", "))
	}
	return fmt.Sprintf("DELETE FROM %s WHERE %s", quote(p.table.name), condition)
}

// quote writes a name so that it can be nothing else, whatever is in it.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// repeat writes text n times.
func repeat(text string, n int, separator string) string {
	if n == 0 {
		return ""
	}
	return text + strings.Repeat(separator+text, n-1)
}
