package kps

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// window is how many records of a stream may wait for the server to confirm them: as many as the engine lets be on their way.
const window = 4096

// A channel is the transport channel of a stream. It outlives the connectors that use it, so that no message is missed
// between two of them.
type channel struct {
	stream *stream
	conn   *nats.Conn
	inbox  *inbox // of an egress stream
	failed bool   // the last attempt to open it
}

// open connects, and subscribes for an egress stream, unless that is done. It makes one attempt.
func (c *channel) open(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	s := c.stream
	alert := publishFailed
	if s.egress {
		alert = subscribeFailed
	}
	conn, err := nats.Connect(ctx, nats.Config{
		URL: s.broker, Topic: s.subject, Connector: s.natsName, Name: s.name, Logger: s.log,
		MaxInFlight: window, StopAtFailure: true,
		Status: func(err error) {
			if err != nil {
				s.counters.connect.Add(1)
			}
			s.health.reach(err)
		},
	})
	if err == nil && alert == subscribeFailed {
		var r transport.Reader
		if r, err = conn.Reader(ctx, nats.ReaderOptions{Group: s.name}); err != nil {
			conn.Close()
		} else {
			c.inbox = &inbox{from: r, refused: c.unreadable}
		}
	}
	if ctx.Err() != nil && err != nil {
		return nil
	}
	if err != nil {
		c.failed = true
		s.counters.connect.Add(1)
		s.events.alert(s.id, alert, pb.Severity_SEVERITY_WARNING, pb.State_STATE_UNHEALTHY, "the transport channel cannot be reached", err)
		return err
	}
	if c.failed {
		s.events.alert(s.id, alert, pb.Severity_SEVERITY_INFO, pb.State_STATE_HEALTHY, "the transport channel is reached", nil)
	}
	c.conn, c.failed = conn, false
	return nil
}

// writer returns a writer for one run of a source, which closes it.
func (c *channel) writer(ctx context.Context) (transport.Writer, error) {
	s := c.stream
	w, err := c.conn.Writer(ctx)
	if err != nil {
		return nil, err
	}
	return &writer{
		Writer: w,
		failed: func(err error) {
			s.counters.publish.Add(1)
			s.events.alert(s.id, publishFailed, pb.Severity_SEVERITY_WARNING, pb.State_STATE_UNHEALTHY,
				"a record could not be published; it is kept and tried again", err)
		},
		working: func() {
			s.events.alert(s.id, publishFailed, pb.Severity_SEVERITY_INFO, pb.State_STATE_HEALTHY, "records are published again", nil)
		},
	}, nil
}

// unreadable tells of a message that is lost because nobody can read it.
func (c *channel) unreadable(err error) {
	s := c.stream
	s.log.Error("a message on the transport channel is no TransportMessage and is dropped", "error", err)
	s.events.alert(s.id, messageRefused, pb.Severity_SEVERITY_WARNING, pb.State_STATE_UNHEALTHY,
		"a message on the transport channel is no TransportMessage and is dropped", err)
}

func (c *channel) close() {
	if c.inbox != nil {
		if err := c.inbox.Close(); err != nil {
			s := c.stream
			s.events.alert(s.id, unsubscribeFailed, pb.Severity_SEVERITY_WARNING, pb.State_STATE_UNHEALTHY,
				"the subscription could not be ended", err)
		}
	}
	if c.conn != nil {
		c.conn.Close()
	}
}

// coreURL turns a list of NATS servers as the platform writes it into one for plain subjects. Messages hold no login.
func coreURL(list string) (string, error) {
	var out []string
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		scheme, rest, ok := strings.Cut(one, "://")
		switch {
		case !ok:
			rest = one // HOST:PORT, as the client libraries of NATS take it
		case scheme == "tls":
			return "", fmt.Errorf("NATS_BROKER %s: TLS is used where the server asks for it; write nats:// in place of tls://", nats.Redact(list))
		case scheme != "nats":
			return "", fmt.Errorf("NATS_BROKER %s: write it as nats://HOST:PORT", nats.Redact(list))
		}
		if u, err := url.Parse("nats://" + rest); err != nil || u.Host == "" {
			return "", fmt.Errorf("NATS_BROKER %s: write it as nats://HOST:PORT", nats.Redact(list))
		}
		out = append(out, "nats+core://"+rest)
	}
	url := strings.Join(out, ",")
	return url, nats.CheckURL(url)
}
