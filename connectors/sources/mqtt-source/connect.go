package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/tlsfiles"
)

// A connection is one that the server has accepted.
type connection struct {
	*MQTTSource
	net.Conn
	in        *bufio.Reader
	keepAlive time.Duration // 0 asks nothing
}

// connect connects and logs in. The error is permanent if no retry helps. The caller ends the connection, by leave or Close.
func (s *MQTTSource) connect(ctx context.Context, as identity) (_ *connection, err error) {
	server, err := url.Parse(s.Server)
	if err != nil {
		return nil, common.Permanent(fmt.Errorf("--server: %w", err))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, fmt.Errorf("no answer within the timeout of %s", s.Timeout))
	defer cancel()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx) // what follows from it says less
		}
		if err != nil {
			err = fmt.Errorf("connect to %s: %w", server.Host, err)
		}
	}()
	conn, err := s.dial(ctx, server)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c := &connection{MQTTSource: s, Conn: conn, in: bufio.NewReaderSize(conn, 64<<10), keepAlive: s.KeepAlive}
	if err := c.login(ctx, as); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// dial makes the connection that MQTT is spoken on.
func (s *MQTTSource) dial(ctx context.Context, server *url.URL) (net.Conn, error) {
	port := server.Port()
	if port == "" {
		port = map[bool]string{false: "1883", true: "8883"}[s.encrypted()]
	}
	address := net.JoinHostPort(server.Hostname(), port)
	if !s.encrypted() {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	config, err := tlsfiles.Config(s.CAFile, false, s.ClientCertFile, s.ClientKeyFile)
	if err != nil {
		return nil, common.Permanent(err)
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	var unknown *tls.CertificateVerificationError
	if errors.As(err, &unknown) {
		return nil, common.Permanent(err)
	}
	return conn, err
}

// login asks for the session.
func (c *connection) login(ctx context.Context, as identity) error {
	hello := connect{
		version: c.version(), session: as, keepAlive: c.keepAlive, receiveMaximum: c.MaxUnacknowledged,
		username: c.Username, password: c.Password.Reveal(),
	}
	if _, err := c.Write(hello.append(nil)); err != nil {
		return err
	}
	p, err := readPacket(c.in, 64<<10)
	if err != nil {
		return fmt.Errorf("no answer to the login: %w; does the server speak MQTT there, and TLS just where --server says mqtts?", err)
	}
	if p.kind != typeConnack {
		return errMalformed
	}
	answer, err := parseConnack(c.version(), p.body)
	if err != nil {
		return err
	}
	if answer.code != 0 {
		return refused(c.version(), "refuses the connection", answer.code, answer.reason)
	}
	if answer.keepAlive != nil {
		c.keepAlive = *answer.keepAlive
	}
	if kept := answer.sessionExpiry; kept != nil && *kept < as.expiry {
		common.Log(ctx).Warn("the server keeps sessions for a shorter time than --session-expiry", "time", *kept)
	}
	common.Log(ctx).Info("connected", "server", c.Server, "session", map[bool]string{false: "new", true: "resumed"}[answer.resumed])
	return nil
}

// farewell is how long leave waits for the server to end the connection, which tells that it has read everything.
const farewell = 500 * time.Millisecond

// leave ends the connection so that the server notices, and closes it.
func (c *connection) leave() {
	_ = c.SetDeadline(time.Now().Add(farewell))
	if _, err := c.Write([]byte{typeDisconnect << 4, 0}); err == nil {
		_, _ = io.Copy(io.Discard, c.in) // to close with something unread would reset what is under way
	}
	_ = c.Close()
}
