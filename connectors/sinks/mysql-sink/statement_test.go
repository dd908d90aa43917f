package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestStatements(t *testing.T) {
	id, v := column{name: "id"}, column{name: "v"}
	p := &plan{table: &table{name: "t"}, mode: "upsert", key: []target{{id, "id"}}}
	pair := func(n int) row { return row{columns: []string{"id", "v"}, values: []any{n, "x"}} }
	gone := func(n int) row { return row{deletes: true, columns: []string{"id"}, values: []any{n}} }
	var texts []string
	for _, s := range p.statements([]row{pair(1), pair(2), {columns: []string{"id"}, values: []any{3}}, gone(4), gone(5), pair(6)}) {
		texts = append(texts, fmt.Sprint(s.text, " ", s.args))
	}
	mustEqual(t, "statements", texts, []string{
		"INSERT INTO `t` (`id`, `v`) VALUES (?, ?), (?, ?) ON DUPLICATE KEY UPDATE `v` = VALUES(`v`) [1 x 2 x]",
		"INSERT INTO `t` (`id`) VALUES (?) ON DUPLICATE KEY UPDATE `id` = `id` [3]",
		"DELETE FROM `t` WHERE `id` IN (?, ?) [4 5]",
		"INSERT INTO `t` (`id`, `v`) VALUES (?, ?) ON DUPLICATE KEY UPDATE `v` = VALUES(`v`) [6 x]",
	})
	p.key = append(p.key, target{v, "v"})
	both := p.statements([]row{{deletes: true, columns: []string{"id", "v"}, values: []any{1, 2}}, {deletes: true, columns: []string{"id", "v"}, values: []any{3, 4}}})
	mustEqual(t, "deletes", both[0].text, "DELETE FROM `t` WHERE (`id` = ? AND `v` = ?) OR (`id` = ? AND `v` = ?)")
}

func TestStatementsKeepTheLimits(t *testing.T) {
	p := &plan{table: &table{name: "t"}, mode: "insert"}
	narrow := row{columns: []string{"a", "b"}, values: []any{1, 2}, size: 2}
	wide := row{columns: []string{"a"}, values: []any{"x"}, size: maxStatement/2 + 1}
	rows := func(r row, n int) (rs []row) {
		for range n {
			rs = append(rs, r)
		}
		return rs
	}
	tests := []struct {
		name string
		rows []row
		want []int // parameters
	}{
		{"parameters", rows(narrow, 40000), []int{65534, 14466}},
		{"bytes", rows(wide, 3), []int{1, 1, 1}},
		{"both fit", rows(narrow, 2), []int{4}},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []int
			for _, s := range p.statements(tt.rows) {
				got = append(got, len(s.args))
				if n := strings.Count(s.text, "?"); n != len(s.args) {
					t.Errorf("%d places for %d parameters", n, len(s.args))
				}
			}
			mustEqual(t, "parameters", got, tt.want)
		})
	}
}

func TestBlame(t *testing.T) {
	server := func(number uint16, state string) error {
		return fmt.Errorf("x: %w", &mysql.MySQLError{Number: number, SQLState: [5]byte([]byte(state))})
	}
	tests := []struct {
		name string
		err  error
		want blame
	}{
		{"deadlock", server(1213, "40001"), blameNobody},
		{"lock wait", server(1205, "HY000"), blameNobody},
		{"too many connections", server(1040, "08004"), blameNobody},
		{"the user's connections", server(1203, "42000"), blameNobody},
		{"all prepared statements", server(1461, "42000"), blameNobody},
		{"a read-only server", server(1290, "HY000"), blameNobody},
		{"what nobody knows", server(9999, "HY000"), blameNobody},
		{"a broken connection", mysql.ErrInvalidConn, blameNobody},
		{"the network", io.ErrUnexpectedEOF, blameNobody},
		{"duplicate", server(1062, "23000"), blameData},
		{"too long", server(1406, "22001"), blameData},
		{"a trigger's SIGNAL", server(1644, "45000"), blameData},
		{"a check of MySQL", server(3819, "HY000"), blameData},
		{"no default", server(1364, "HY000"), blameData},
		{"no date, in a key", server(1525, "HY000"), blameData},
		{"a row too large", server(1118, "42000"), blameData},
		{"cannot be sent", mysql.ErrPktTooLarge, blameData},
		{"password", server(1045, "28000"), blameOptions},
		{"rights", server(1142, "42000"), blameOptions},
		{"no table", server(1146, "42S02"), blameOptions},
		{"no column", server(1054, "42S22"), blameOptions},
		{"the host", server(1130, "HY000"), blameOptions},
		{"no TLS", plain(mysql.ErrNoTLS), blameOptions},
		{"plugin", plain(errors.Join(mysql.ErrUnknownPlugin)), blameOptions},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := blameFor(tt.err); got != tt.want {
				t.Errorf("blame is %d, want %d", got, tt.want)
			}
		})
	}
}
