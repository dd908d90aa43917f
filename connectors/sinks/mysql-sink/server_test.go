package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
)

// The server that all tests share, each with a database of its own: a MariaDB without a port. It is empty where there is
// no mariadbd.
var serverSocket string

func TestMain(m *testing.M) {
	_ = os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin") // where the server is, for users who do not look there
	stop, err := startServer()
	if err != nil {
		fmt.Fprintln(os.Stderr, "start MariaDB:", err)
		os.Exit(1)
	}
	status := m.Run()
	stop()
	if status == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// startServer starts MariaDB in a folder of its own. The function that it returns ends it.
func startServer() (stop func(), err error) {
	for _, program := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := exec.LookPath(program); err != nil {
			return func() {}, nil
		}
	}
	dir, err := os.MkdirTemp("", "mariadb")
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	data, socket := filepath.Join(dir, "data"), filepath.Join(dir, "socket")
	install := exec.Command("mariadb-install-db", "--no-defaults", "--user="+me.Username, "--datadir="+data,
		"--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=normal")
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	var log bytes.Buffer
	server := exec.Command("mariadbd", "--no-defaults", "--user="+me.Username, "--datadir="+data, "--socket="+socket,
		"--skip-networking", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--max-allowed-packet=1M",
		"--pid-file="+filepath.Join(dir, "pid"))
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		_ = server.Wait()
		_ = os.RemoveAll(dir)
	}
	db, err := openAs("root", "", socket, "")
	if err != nil {
		stop()
		return nil, err
	}
	defer db.Close()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-again.C {
		if err = db.Ping(); err == nil {
			break
		}
		if time.Now().After(deadline) {
			stop()
			return nil, fmt.Errorf("%w: %s", err, log.String())
		}
	}
	serverSocket = socket
	_, err = db.Exec("CREATE USER patchbay@localhost IDENTIFIED BY 'sesame'")
	return stop, err
}

func openAs(name, password, socket, database string) (*sql.DB, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName, c.Logger = name, password, "unix", socket, database, &mysql.NopLogger{}
	c.Params = map[string]string{"time_zone": "'+00:00'"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// A database is one of the shared server, for one test.
type database struct {
	*sql.DB
	t    *testing.T
	name string
}

var databases int

// newDatabase makes a database and runs some statements in it. It skips the test where there is no server.
func newDatabase(t *testing.T, statements ...string) *database {
	t.Helper()
	if serverSocket == "" {
		t.Skip("SKIPPED: mariadbd and mariadb-install-db are not installed; test/install.sh mariadb does that")
	}
	databases++
	d := &database{t: t, name: fmt.Sprintf("test%d", databases)}
	root, err := openAs("root", "", serverSocket, "")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, text := range []string{"CREATE DATABASE " + d.name + " CHARACTER SET utf8mb4", "GRANT ALL ON " + d.name + ".* TO patchbay@localhost"} {
		if _, err := root.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	if d.DB, err = openAs("root", "", serverSocket, d.name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	for _, text := range statements {
		d.exec(text)
	}
	return d
}

func (d *database) exec(text string) {
	d.t.Helper()
	if _, err := d.Exec(text); err != nil {
		d.t.Fatalf("%s: %v", text, err)
	}
}

// args are the options for a table of the database.
func (d *database) args(table string, more ...string) []string {
	return append([]string{
		"--address", serverSocket, "--username", "patchbay", "--password", "sesame", "--database", d.name, "--table", table,
	}, more...)
}

// rows returns what a query finds, one line a row, NULL as it is.
func (d *database) rows(query string) (lines []string) {
	d.t.Helper()
	rows, err := d.Query(query)
	if err != nil {
		d.t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		d.t.Fatal(err)
	}
	for rows.Next() {
		cells, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			d.t.Fatal(err)
		}
		line := ""
		for i, cell := range cells {
			if i > 0 {
				line += "|"
			}
			if line += cell.String; !cell.Valid {
				line += "NULL"
			}
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		d.t.Fatal(err)
	}
	return lines
}

// lock keeps everybody else from the table until the function that it returns is called.
func (d *database) lock(table string) (release func()) {
	d.t.Helper()
	conn, err := d.Conn(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	run := func(text string) {
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			d.t.Errorf("%s: %v", text, err)
		}
	}
	run("LOCK TABLES " + quote(table) + " WRITE")
	return func() {
		run("UNLOCK TABLES")
		_ = conn.Close()
	}
}
