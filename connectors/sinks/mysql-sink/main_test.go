package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/record"
)

func upsert(value string) common.Record { return common.Record{Value: []byte(value)} }
func remove(value string) common.Record {
	return common.Record{Op: record.Delete, Value: []byte(value)}
}

// send runs the sink on some records to the end and returns how many were acknowledged, and the sink's error.
func send(t *testing.T, c commontest.Config, recs []common.Record, args ...string) (int, error) {
	t.Helper()
	run := commontest.StartSink[MySQLSink](t, c, recs, args...)
	err := run.Wait()
	return len(run.Acknowledged()), err
}

// mustSend is send where all records shall be acknowledged.
func mustSend(t *testing.T, recs []common.Record, args ...string) {
	t.Helper()
	if n, err := send(t, commontest.Config{}, recs, args...); err != nil || n != len(recs) {
		t.Fatalf("%d of %d records were acknowledged; the error is %v", n, len(recs), err)
	}
}

func mustEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestContract(t *testing.T) {
	t.Run("upsert", func(t *testing.T) {
		d := newDatabase(t, "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)")
		var recs []common.Record
		for i := range 10 {
			recs = append(recs, upsert(fmt.Sprintf(`{"id":%d,"v":"v%d"}`, i, i)))
		}
		commontest.Contract[MySQLSink](t, commontest.Promise{
			Args: d.args("t", "--key", "id"), Records: recs, Block: func() func() { return d.lock("t") },
		})
		mustEqual(t, "rows", d.rows("SELECT COUNT(*), COUNT(DISTINCT v) FROM t"), []string{"10|10"})
	})
	t.Run("insert", func(t *testing.T) {
		d := newDatabase(t, "CREATE TABLE t (v TEXT)")
		commontest.Contract[MySQLSink](t, commontest.Promise{
			Args: d.args("t", "--mode", "insert", "--columns", "v=$value"),
			Written: func() (n int) {
				if err := d.QueryRow("SELECT COUNT(*) FROM t").Scan(&n); err != nil {
					t.Error(err)
				}
				return n
			},
			Block: func() func() { return d.lock("t") },
		})
	})
}

func TestRecordsAddReplaceAndRemoveRowsInOrder(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (id INT PRIMARY KEY, name TEXT, n INT DEFAULT 7)")
	mustSend(t, []common.Record{
		upsert(`{"id":1,"name":"a","n":1}`), upsert(`{"id":2,"name":"b"}`), upsert(`{"id":3,"name":"c","n":3}`),
		upsert(`{"id":1,"name":"A"}`),                                             // n stays
		remove(`{"id":2}`), remove(`{"id":"3","name":"old"}`), remove(`{"id":9}`), // 9 is gone already
		upsert(`{"id":3,"name":"again"}`),
		{Op: record.Delete, Key: "4"},
		upsert(`{"ID":5}`),
	}, d.args("t", "--key", "id")...)
	mustEqual(t, "rows", d.rows("SELECT * FROM t ORDER BY id"), []string{"1|A|1", "3|again|7", "5|NULL|7"})
}

func TestModes(t *testing.T) {
	recs := []common.Record{upsert(`{"a":1,"b":1,"v":"new"}`), upsert(`{"a":1,"b":2,"v":"new"}`), upsert(`{"a":1,"b":2,"v":"newer"}`)}
	tests := []struct {
		mode string
		want []string
	}{
		{"upsert", []string{"1|1|new", "1|2|newer"}},
		{"insert-missing", []string{"1|1|old", "1|2|new"}},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			d := newDatabase(t, "CREATE TABLE t (a INT, b INT, v TEXT, UNIQUE (b, a))", "INSERT INTO t VALUES (1, 1, 'old')")
			mustSend(t, recs, d.args("t", "--key", "a,b", "--mode", tt.mode)...)
			mustEqual(t, "rows", d.rows("SELECT * FROM t ORDER BY a, b"), tt.want)
			mustSend(t, []common.Record{remove(`{"a":1,"b":1}`), remove(`{"a":1,"b":2}`)}, d.args("t", "--key", "a,b", "--mode", tt.mode)...)
			mustEqual(t, "rows", len(d.rows("SELECT * FROM t")), 0)
		})
	}
	t.Run("only a key", func(t *testing.T) {
		d := newDatabase(t, "CREATE TABLE t (a INT PRIMARY KEY)")
		mustSend(t, []common.Record{upsert(`{"a":1}`), upsert(`{"a":1}`)}, d.args("t", "--key", "a")...)
		mustEqual(t, "rows", d.rows("SELECT * FROM t"), []string{"1"})
	})
	t.Run("insert", func(t *testing.T) {
		d := newDatabase(t, "CREATE TABLE t (a INT, b INT, v TEXT)")
		mustSend(t, append(recs, upsert(`{}`)), d.args("t", "--mode", "insert")...)
		mustEqual(t, "rows", d.rows("SELECT * FROM t ORDER BY v DESC, b"), []string{"1|2|newer", "1|1|new", "1|2|new", "NULL|NULL|NULL"})
	})
}

func TestColumnsComeFromPathsAndFromTheRecord(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (id VARCHAR(9) PRIMARY KEY, k TEXT, at DATETIME(3), at_text TEXT, ty TEXT, su TEXT, v LONGTEXT, city TEXT, dotted TEXT, gone INT)")
	columns := "id=$id,k=$key,at=$time,at_text=$time,ty=$type,su=$subject,v=$value,city=a.b.city,dotted=x.y,gone=a.none"
	mustSend(t, []common.Record{
		{
			ID: "1", Key: "key", Time: time.Date(2026, 1, 2, 4, 4, 5, 678_900_000, time.FixedZone("", 3600)), Type: "type", Subject: "subject",
			Value: []byte(`{"a":{"b":{"city":"Bath"}},"x.y":true}`),
		},
		{ID: "2", Value: []byte(`{"a":[]}`)},
	}, d.args("t", "--key", "id", "--columns", columns)...)
	mustEqual(t, "rows", d.rows("SELECT * FROM t ORDER BY id"), []string{
		`1|key|2026-01-02 03:04:05.678|2026-01-02T03:04:05.6789Z|type|subject|{"a":{"b":{"city":"Bath"}},"x.y":true}|Bath|true|NULL`,
		`2|NULL|NULL|NULL|NULL|NULL|{"a":[]}|NULL|NULL|NULL`,
	})
}

func TestAnyPayloadGoesIntoOneColumn(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (v BLOB)")
	mustSend(t, []common.Record{{Value: []byte("\xff\x00`'\"")}, {Value: []byte("äöü")}, {}},
		d.args("t", "--mode", "insert", "--columns", "v=$value")...)
	mustEqual(t, "rows", d.rows("SELECT HEX(v) FROM t"), []string{"FF00602722", "C3A4C3B6C3BC", ""})
}

func TestValuesKeepWhatTheyAre(t *testing.T) {
	tests := []struct{ sqlType, json, want string }{
		{"BIGINT", "-9223372036854775808", "-9223372036854775808"},
		{"BIGINT UNSIGNED", "18446744073709551615", "18446744073709551615"},
		{"DECIMAL(40,10)", "123456789012345678901234567890.0123456789", "123456789012345678901234567890.0123456789"},
		{"DOUBLE", "1e300", "1e+300"},
		{"INT", "1e3", "1000"},
		{"INT", `"12"`, "12"},
		{"TINYINT", "true", "1"},
		{"BIT(1)", "false", "\x00"},
		{"BIT(8)", "65", "A"},
		{"TEXT", "1.10", "1.10"},
		{"TEXT", "true", "true"},
		{"TEXT", "null", "NULL"},
		{"TEXT", `{"a": [1, 2]}`, `{"a": [1, 2]}`},
		{"TEXT", `"\u00e4 \ud83d\ude00 '; DROP TABLE t; -- \\ \u0000"`, "ä 😀 '; DROP TABLE t; -- \\ \x00"},
		{"DATETIME(6)", `"2026-01-02T03:04:05.123456789+02:00"`, "2026-01-02 01:04:05.123456"},
		{"TIMESTAMP", `"2026-01-02T03:04:05Z"`, "2026-01-02 03:04:05"},
		{"DATE", `"2026-01-02"`, "2026-01-02"},
		{"DATETIME", `"2026-01-02 03:04:05"`, "2026-01-02 03:04:05"},
		{"JSON", `[1, "a"]`, `[1, "a"]`},
	}
	for _, tt := range tests {
		t.Run(tt.sqlType+" "+tt.json, func(t *testing.T) {
			d := newDatabase(t, "CREATE TABLE t (v "+tt.sqlType+" NULL)")
			mustSend(t, []common.Record{upsert(`{"v":` + tt.json + `}`)}, d.args("t", "--mode", "insert")...)
			mustEqual(t, "rows", d.rows("SELECT v FROM t"), []string{tt.want})
		})
	}
}

func TestNamesAreOnlyNames(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE `a``; DROP TABLE x; --` (`select` INT PRIMARY KEY, `x``y ``?` INT, `a.b` INT)")
	mustSend(t, []common.Record{upsert("{\"select\":1,\"x`y `?\":2,\"a.b\":3}"), upsert("{\"select\":1,\"x`y `?\":4}"), remove(`{"select":5}`)},
		d.args("a`; DROP TABLE x; --", "--key", "select")...)
	mustEqual(t, "rows", d.rows("SELECT * FROM `a``; DROP TABLE x; --`"), []string{"1|4|3"})
}

func TestBadRecordsAreFoundAmongGoodOnes(t *testing.T) {
	const table = "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(3), w INT NOT NULL DEFAULT 0, CHECK (w < 100))"
	tests := []struct{ name, bad, want string }{
		{"too long", `{"id":50,"v":"long"}`, "Error 1406 (22001): Data too long for column 'v'"},
		{"no number", `{"id":"x"}`, "Error 1366 (22007): Incorrect integer value: 'x'"},
		{"out of range", `{"id":9999999999}`, "Error 1264 (22003): Out of range"},
		{"null", `{"id":50,"w":null}`, "Error 1048 (23000)"},
		{"a constraint", `{"id":50,"w":100}`, "Error 4025 (23000)"},
		{"no key", `{"v":"a"}`, "the record has no value for id, a column of --key"},
		{"key null", `{"id":null}`, "the record has no value for id, a column of --key"},
		{"unknown field", `{"id":50,"x":1}`, `the payload has a field "x", and table t no such column`},
		{"a field twice", `{"id":50,"ID":51}`, "the payload has two fields for column id"},
		{"no object", `[1]`, "the payload is no JSON object"},
		{"null payload", `null`, "the payload is no JSON object"},
		{"no JSON", `{"id":`, "the payload is no JSON object"},
		{"too large", `{"id":50,"v":"` + strings.Repeat("x", 1<<20) + `"}`, "the server's max_allowed_packet is 1048576"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDatabase(t, table)
			var recs []common.Record
			for i := range 100 {
				recs = append(recs, upsert(fmt.Sprintf(`{"id":%d,"v":"ok"}`, i)))
			}
			recs[20], recs[50] = upsert(tt.bad), upsert(tt.bad)
			n, err := send(t, commontest.Config{OnError: "skip"}, recs, d.args("t", "--key", "id")...)
			if n != 100 || err != nil { // what is skipped is acknowledged, too
				t.Errorf("%d records are acknowledged; the error is %v", n, err)
			}
			mustEqual(t, "rows", d.rows("SELECT COUNT(*), SUM(id IN (20, 50)) FROM t"), []string{"98|0"})

			d = newDatabase(t, table)
			n, err = send(t, commontest.Config{}, recs, d.args("t", "--key", "id")...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, not %s", err, tt.want)
			}
			mustEqual(t, "acknowledged", n, 20)
			mustEqual(t, "rows", d.rows("SELECT COUNT(*), MAX(id) FROM t"), []string{"20|19"})
		})
	}
}

func TestDeletesWithoutAKeyAreRefused(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (id INT PRIMARY KEY, b INT, UNIQUE (id, b))")
	tests := []struct {
		name string
		rec  common.Record
		args []string
		want string
	}{
		{"no option", remove(`{"id":1}`), []string{"--mode", "insert"}, "the record deletes, which needs --key"},
		{"no value", remove(``), []string{"--key", "id"}, "the record has no value for id"},
		{"part of a key", common.Record{Op: record.Delete, Key: "1", Value: []byte(`{"id":1}`)}, []string{"--key", "id,b"}, "the record has no value for b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := send(t, commontest.Config{}, []common.Record{tt.rec}, d.args("t", tt.args...)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, not %s", err, tt.want)
			}
		})
	}
}

func TestUnknownFieldsMayBeLeftOut(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	mustSend(t, []common.Record{upsert(`{"id":1,"x":2}`)}, d.args("t", "--key", "id", "--unknown-fields", "ignore")...)
	mustEqual(t, "rows", d.rows("SELECT * FROM t"), []string{"1"})
}

func TestATransactionWritesAllOrNothing(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	own := commontest.Options[MySQLSink](t, d.args("t", "--key", "id")...)
	w, err := own.open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	err = w.transact(context.Background(), w.statements([]row{
		{columns: []string{"id"}, values: []any{1}}, {columns: []string{"id", "v"}, values: []any{2, "x"}},
	}))
	if blameFor(err) != blameData {
		t.Errorf("the error is %v", err)
	}
	mustEqual(t, "rows", len(d.rows("SELECT * FROM t")), 0)
}

func TestABrokenConnectionIsMadeAgain(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	release := d.lock("t")
	run := commontest.StartSink[MySQLSink](t, commontest.Config{}, []common.Record{upsert(`{"id":1}`)}, d.args("t", "--key", "id")...)
	var killed string
	for range 2 {
		commontest.Await(t, "another statement that waits", func() bool {
			waiting := d.rows("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'patchbay' AND STATE LIKE 'Waiting for table%'")
			if len(waiting) == 0 || waiting[0] == killed {
				return false
			}
			killed = waiting[0]
			return true
		})
		d.exec("KILL " + killed)
	}
	release()
	if err := run.Wait(); err != nil {
		t.Error(err)
	}
	mustEqual(t, "rows", d.rows("SELECT * FROM t"), []string{"1"})
}

func TestATransactionEndsWithTheTimeout(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (id INT PRIMARY KEY)")
	w, err := commontest.Options[MySQLSink](t, d.args("t", "--key", "id")...).open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	release := d.lock("t")
	defer release()
	w.timeout = 50 * time.Millisecond
	err = w.transact(context.Background(), w.statements([]row{{columns: []string{"id"}, values: []any{1}}}))
	if err == nil || err.Error() != "not done within the timeout of 50ms" || blameFor(err) != blameNobody {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatNoRecordIsToBlameForEndsTheSinkWhateverThePolicy(t *testing.T) {
	d := newDatabase(t, "CREATE TABLE t (id INT PRIMARY KEY, v INT, UNIQUE (v, id))")
	tests := []struct {
		name, want string
		args       []string
	}{
		{"the password", "Access denied for user 'patchbay'", d.args("t", "--key", "id", "--password", "hush")},
		{"the database", "Access denied for user 'patchbay'@'localhost' to database 'mysql'", d.args("t", "--key", "id", "--database", "mysql")},
		{"no such table", "has no table u, or the user has no rights on it", d.args("u", "--key", "id")},
		{"no such key column", "--key: table t has no column x", d.args("t", "--key", "x")},
		{"no such column", "--columns: table t has no column x", d.args("t", "--key", "id", "--columns", "id,x")},
		{"no index", "table t has no primary key or unique index on just v", d.args("t", "--key", "v")},
		{"TLS", "the server does not offer TLS", d.args("t", "--key", "id", "--tls", "require")},
		{"a file", "--ca-file: open /none.pem", d.args("t", "--key", "id", "--tls", "verify", "--ca-file", "/none.pem")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := send(t, commontest.Config{OnError: "skip"}, []common.Record{upsert(`{"id":1}`)}, tt.args...)
			if n != 0 || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%d records are acknowledged; the error is %v, not %s", n, err, tt.want)
			}
			own := commontest.Options[MySQLSink](t, tt.args...)
			if err := own.Check(context.Background()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check says %v", err)
			}
		})
	}
	if err := commontest.Options[MySQLSink](t, d.args("t", "--key", "id,v")...).Check(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	base := []string{"--username", "u", "--database", "d", "--table", "t"}
	tests := []struct{ name, args, want string }{
		{"upsert needs a key", "", "key: is needed"},
		{"insert does not", "--mode insert", ""},
		{"an address", "--mode insert --address example.com", "address"},
		{"a socket", "--mode insert --address /run/mysqld.sock", ""},
		{"IPv6", "--mode insert --address [::1]:3306", ""},
		{"twice", "--key a --columns a,A=b", "names A twice"},
		{"unknown meta field", "--key a --columns a=$what", "there is no $what"},
		{"a key that is not written", "--key a --columns b", "a is not among --columns"},
		{"no column", "--mode insert --columns =x", "columns"},
		{"an authority that is not looked at", "--mode insert --ca-file x", "add --tls verify"},
		{"a certificate that is not shown", "--mode insert --tls off --client-cert-file x --client-key-file y", "--tls off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := commontest.Parse[MySQLSink](t, append(base, strings.Fields(tt.args)...)...)
			switch {
			case tt.want == "" && len(errs) > 0, tt.want != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.want)):
				t.Errorf("errors are %v, want %q", errs, tt.want)
			}
		})
	}
}
