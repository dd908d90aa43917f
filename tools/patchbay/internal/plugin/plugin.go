// Package plugin makes a source a connector for c1: `patchbay plugin` is the process that a c1 host starts, and each sync of
// the host is one bounded pass of the source, a child of its own.
//
// The host starts it with HashiCorp go-plugin, over gRPC only, and calls Connector.Sync (package c1) with the options of an
// account. The sync runs the source with --once through package host, and hands what it sends to the host in pages.
package plugin

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin/c1"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/scratch"
)

// The handshake and the name of the plugin that c1 hosts ask for. They are fixed by c1; the cookie is no secret, it only tells
// a host's start from a person's.
const (
	protocolVersion = 1
	cookieKey       = "BASIC_PLUGIN"
	cookieValue     = "hello"
	pluginName      = "connector"
)

// A UsageError says that the process was not started by a host, or what is wrong with its command line.
type UsageError struct{ error }

// Unwrap returns the reason.
func (u *UsageError) Unwrap() error { return u.error }

var errNoHost = errors.New("patchbay plugin is started by a c1 host, which sets " + cookieKey + "=" + cookieValue +
	", and not by hand; patchbay run joins a source to a sink")

// Config says what to serve.
type Config struct {
	Connector string   // a connector's name, or a program's path
	Args      []string // flags of the connector: the options of every account that says nothing else
	Dirs      []string // where connectors are
	Env       []string // environment of the connectors; that of this process if nil

	Settings Settings // of every account that says nothing else
	State    string   // folder that keeps positions, so that a sync goes on where the last one ended; none if empty
	Limits   delivery.Limits
	Stderr   io.Writer // gets the log, in the form that hosts read
}

// Run serves the host that has started this process. It blocks until the host asks for the end, has died, or ctx ends; what
// runs then is stopped. It is called once in a process, which is to end when it returns. The error is a
// *UsageError where nobody could be served.
func Run(ctx context.Context, c Config) error {
	if os.Getenv(cookieKey) != cookieValue {
		return &UsageError{errNoHost}
	}
	if _, err := c.Settings.compile(); err != nil {
		return &UsageError{err}
	}
	if c.Limits.StartTimeout == 0 {
		c.Limits.StartTimeout = startTimeout
	}
	folder, err := scratch.New("plugin")
	if err != nil {
		return err
	}
	defer folder.Remove() // what is left, the next start removes
	// The log of a host that has died is a broken pipe, which would end this process before it has cleaned up.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	host := newWatch()
	served := make(chan struct{})
	s := &server{Config: c, dir: folder.Path, stop: ctx, log: newLog(c.Stderr)}
	go func() {
		defer close(served)
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig: goplugin.HandshakeConfig{
				ProtocolVersion: protocolVersion, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue,
			},
			Plugins: goplugin.PluginSet{pluginName: &plug{server: s}},
			GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
				return goplugin.DefaultGRPCServer(append(o, grpc.StatsHandler(host)))
			},
			Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: c.Stderr, JSONFormat: true}),
		})
	}()
	select {
	case <-ctx.Done():
		s.syncs.Wait()
	case <-served:
		stop()
		s.await(hostless)
	case <-host.gone:
		stop()
		s.await(hostless)
	}
	return nil
}

// startTimeout is that of connectors.
const startTimeout = 30 * time.Second

// hostless is how long syncs may take to end when there is nobody to hand anything to. The host kills this process two
// seconds after it has asked for the end.
const hostless = time.Second

// A server is the Connector that the host calls. Several syncs may run at the same time.
type server struct {
	c1.UnimplementedConnectorServer
	Config
	dir    string          // for the options of accounts
	stop   context.Context // ends when the process is to end
	log    *log
	broker *goplugin.GRPCBroker
	syncs  sync.WaitGroup
}

// await waits for the syncs to end, but not for ever: what they leave behind ends with this process.
func (s *server) await(longest time.Duration) {
	done := make(chan struct{})
	go func() {
		s.syncs.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(longest):
	}
}

// plug is how go-plugin gets at the server.
type plug struct {
	goplugin.NetRPCUnsupportedPlugin
	server *server
}

// GRPCServer registers the Connector. It is called once.
func (p *plug) GRPCServer(broker *goplugin.GRPCBroker, s *grpc.Server) error {
	p.server.broker = broker
	c1.RegisterConnectorServer(s, p.server)
	return nil
}

// GRPCClient is for hosts.
func (p *plug) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("patchbay is no host")
}

var _ goplugin.GRPCPlugin = (*plug)(nil)
