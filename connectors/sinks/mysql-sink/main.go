// Command mysql-sink is a sink that writes records to a table of MySQL or MariaDB.
package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

var info = common.Info{
	Name: "mysql-sink", Version: "0.1.0", Category: "Databases",
	Description: "Writes records to a table of MySQL or MariaDB: inserts, upserts and deletes, in transactions, with many rows to a statement.",
	Checks: []string{
		"the modes upsert and insert-missing need key", "key is among columns, where these are given",
		"ca-file goes with tls verify", "client certificates do not go with tls off",
	},
	Examples: []common.Example{
		{Title: "Mirror records into a table by its primary key; deletes remove rows", Args: []string{
			"--topic", "customers", "--address", "db.example.com:3306", "--username", "patchbay", "--database", "shop",
			"--table", "customers", "--key", "id",
		}},
		{Title: "Choose the columns, take nested fields, and keep the time and the whole payload", Args: []string{
			"--topic", "orders", "--username", "patchbay", "--database", "shop", "--table", "orders", "--key", "id",
			"--columns", "id,total,city=customer.address.city,created=$time,raw=$value",
		}},
		{Title: "Append every record, over verified TLS", Args: []string{
			"--topic", "events", "--address", "db.example.com:3306", "--username", "patchbay", "--database", "logs",
			"--table", "events", "--mode", "insert", "--columns", "id=$id,body=$value", "--tls", "verify",
		}},
	},
}

func main() { common.RunSink(info, &MySQLSink{}) }

// MySQLSink holds the options that only this connector has.
type MySQLSink struct {
	Address  string        `help:"Where the server listens: HOST:PORT, or the path of its socket." placeholder:"HOST:PORT" default:"127.0.0.1:3306" pattern:"^(/.+|([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5})$" form:"HOST:PORT, such as db.example.com:3306, or the absolute path of a socket"`
	Username string        `help:"User to log in as." placeholder:"USER" required:"" maxlen:"80"`
	Password common.Secret `help:"Password of that user." placeholder:"PASSWORD"`
	Database string        `help:"Database that holds the table." placeholder:"NAME" required:"" discover:"" maxlen:"64"`
	Table    string        `help:"Table to write to." placeholder:"NAME" required:"" discover:"" maxlen:"64"`

	Mode          string        `help:"What a record does to the row that has its key: upsert replaces the row's columns, or adds the row; insert-missing leaves a row that is there as it is; insert adds one always, so that a repeated record is a second row or an error." enum:"upsert,insert-missing,insert" default:"upsert"`
	Key           []string      `help:"Columns that name a row. A unique index must hold just these. A delete removes the row that has them." placeholder:"COLUMN"`
	Columns       []string      `help:"Columns to write, each as COLUMN=PATH: a field of the payload, its parts joined by dots, or $id, $key, $time, $type, $subject or $value, the whole payload. COLUMN alone is the field of that name. A field that is missing is NULL. Default: every field of the payload to the column of its name." placeholder:"COLUMN=PATH" pattern:"^[^=]+(=.+)?$" form:"a column, or COLUMN=PATH"`
	UnknownFields string        `help:"What to do, without columns, with a field that the table has no column for: refuse the record, or leave the field out." enum:"refuse,ignore" default:"refuse"`
	Timeout       time.Duration `help:"Longest time for one transaction, and for connecting." default:"30s" min:"1ns"`

	TLS            string `name:"tls" help:"Whether to encrypt: prefer does so if the server can, require always, verify also checks the server's certificate and name." enum:"off,prefer,require,verify" default:"prefer" group:"TLS"`
	CAFile         string `name:"ca-file" help:"File of PEM certificates of authorities to trust in place of the system's." placeholder:"FILE" group:"TLS"`
	ClientCertFile string `help:"File of the PEM certificate that the client shows to the server." placeholder:"FILE" and:"client-cert" group:"TLS"`
	ClientKeyFile  string `help:"File of the PEM key of that certificate." placeholder:"FILE" and:"client-cert" group:"TLS"`
}

// Run writes batch after batch. It returns at the first failure that no record is to blame for, so that what is not
// written comes again, in order.
func (m *MySQLSink) Run(ctx context.Context, in common.Input) error {
	w, err := m.open(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	for {
		batch, err := in.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.write(ctx, batch); err != nil {
			return err
		}
	}
}

// Validate implements common.Validator.
func (m *MySQLSink) Validate() error {
	var errs []error
	if len(m.Key) == 0 && m.Mode != "insert" {
		errs = append(errs, common.Invalid("key", "is needed to tell which row a record is about; name its columns, or choose --mode insert"))
	}
	columns := map[string]bool{}
	for _, text := range m.Columns {
		c := parseColumn(text)
		if columns[strings.ToLower(c.name)] {
			errs = append(errs, common.Invalid("columns", "names %s twice; remove one", c.name))
		}
		columns[strings.ToLower(c.name)] = true
		if strings.HasPrefix(c.path, "$") && metaFields[c.path] == nil {
			errs = append(errs, common.Invalid("columns", "%s: there is no %s; choose $id, $key, $time, $type, $subject or $value", c.name, c.path))
		}
	}
	for _, key := range m.Key {
		if len(columns) > 0 && !columns[strings.ToLower(key)] {
			errs = append(errs, common.Invalid("key", "%s is not among --columns; add it there", key))
		}
	}
	if m.CAFile != "" && m.TLS != "verify" {
		errs = append(errs, common.Invalid("ca-file", "has no effect with --tls %s; add --tls verify", m.TLS))
	}
	if m.ClientCertFile != "" && m.TLS == "off" {
		errs = append(errs, common.Invalid("client-cert-file", "has no effect with --tls off; choose another --tls"))
	}
	return errors.Join(errs...)
}

// Check implements common.Checker: it logs in and looks whether the table is there and fits the options.
func (m *MySQLSink) Check(ctx context.Context) error {
	w, err := m.open(ctx)
	if err != nil {
		return err
	}
	w.close()
	return nil
}

var (
	_ common.Validator = (*MySQLSink)(nil)
	_ common.Checker   = (*MySQLSink)(nil)
)
