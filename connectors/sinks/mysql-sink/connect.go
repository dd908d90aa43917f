package main

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/tlsfiles"
)

// open connects, looks at the table and returns a writer for it. The caller closes it. What the options ask for and the
// server cannot give is a permanent error.
func (m *MySQLSink) open(ctx context.Context) (_ *writer, err error) {
	ctx, cancel := m.patience(ctx)
	defer cancel()
	db, err := m.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = db.Close()
		}
	}()
	t, err := readTable(ctx, db, m.Database, m.Table)
	if err != nil {
		return nil, judge(err)
	}
	p, err := m.plan(t)
	if err != nil {
		return nil, common.Permanent(err)
	}
	return &writer{db: db, plan: p, timeout: m.Timeout}, nil
}

// patience bounds the time for connecting and looking around.
func (m *MySQLSink) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, m.Timeout, fmt.Errorf("no answer within the timeout of %s", m.Timeout))
}

// connect logs in. The caller closes what it returns.
func (m *MySQLSink) connect(ctx context.Context) (*sql.DB, error) {
	config, err := m.config()
	if err != nil {
		return nil, common.Permanent(err)
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, common.Permanent(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1) // so that all of a session goes through one connection
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, judge(fmt.Errorf("connect to %s: %w", m.Address, plain(err)))
	}
	return db, nil
}

// config is what the driver needs to know.
func (m *MySQLSink) config() (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.DBName = m.Username, m.Password.Reveal(), m.Database
	c.Net, c.Addr = "tcp", m.Address
	if strings.HasPrefix(m.Address, "/") {
		c.Net = "unix"
	}
	c.Timeout = m.Timeout
	c.Logger = &mysql.NopLogger{} // what it logs is returned as an error, too
	c.ConnectionAttributes = "program_name:patchbay-" + info.Name
	c.Params = map[string]string{
		"autocommit": "1",
		// Times are written in UTC. A value that does not fit its column is refused, not cut, whatever the server's default.
		"time_zone": "'+00:00'",
		"sql_mode":  "CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
	}
	var err error
	c.TLS, err = m.tlsConfig()
	c.AllowFallbackToPlaintext = m.TLS == "prefer"
	return c, err
}

// tlsConfig is how to encrypt, or nil for not at all.
func (m *MySQLSink) tlsConfig() (*tls.Config, error) {
	local := strings.HasPrefix(m.Address, "/")
	if m.TLS == "off" || m.TLS == "prefer" && local {
		return nil, nil
	}
	config, err := tlsfiles.Config(m.CAFile, false, m.ClientCertFile, m.ClientKeyFile)
	if err != nil {
		return nil, err
	}
	// MySQL calls it preferred and required to encrypt without knowing whom one talks to.
	config.InsecureSkipVerify = m.TLS != "verify"
	if host, _, err := net.SplitHostPort(m.Address); err == nil {
		config.ServerName = host
	} else if local {
		config.ServerName = "localhost"
	}
	return config, nil
}

// plain replaces errors of the driver that speak of its own configuration.
func plain(err error) error {
	switch {
	case errors.Is(err, mysql.ErrNoTLS):
		return &refusal{errors.New("the server does not offer TLS; choose --tls prefer or off, or let it")}
	case errors.Is(err, mysql.ErrCleartextPassword), errors.Is(err, mysql.ErrOldPassword), errors.Is(err, mysql.ErrUnknownPlugin):
		return &refusal{errors.New("the server asks for a way to log in that is not supported; " +
			"let the user have caching_sha2_password, ed25519 or mysql_native_password")}
	}
	return err
}
