// Package c1test plays a c1 host: it starts a connector as such a host does, makes one sync, and prints what it is given.
package c1test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin/c1"
)

// A Line is a line that the host prints: one of a page, a call of Clean, the metadata at the end, or an error.
type Line struct {
	Page  []*c1.DataObject `json:"page,omitempty"`
	Clean bool             `json:"clean,omitempty"`
	End   json.RawMessage  `json:"end,omitempty"`
	Error string           `json:"error,omitempty"`
	Code  string           `json:"code,omitempty"`
}

// Main is a host's main function: `c1host [flags] -- COMMAND [ARGS]` starts the command as a connector. It returns the exit
// status: 1 if the sync failed.
func Main(args []string) int {
	f := flag.NewFlagSet("c1host", flag.ExitOnError)
	options := f.String("options", "", "the options of the account")
	cookie := f.String("cookie", "hello", "the value of the handshake's cookie")
	refuse := f.Int("refuse", 0, "the page to refuse, from 1")
	hold := f.Int("hold", 0, "the page never to answer, from 1")
	stream := f.Bool("stream", true, "serve the stream that the connector is told of")
	quiet := f.Bool("quiet", false, "print no pages")
	mtls := f.Bool("mtls", false, "talk through TLS")
	_ = f.Parse(args)
	h := &handler{refuse: *refuse, hold: *hold, quiet: *quiet}
	metadata, err := h.sync(exec.Command(f.Arg(0), f.Args()[1:]...), *cookie, *options, *stream, *mtls)
	if err != nil {
		h.print(Line{Error: status.Convert(err).Message(), Code: status.Code(err).String()})
		return 1
	}
	h.print(Line{End: json.RawMessage(metadata)})
	return 0
}

// A handler is the host's side of a sync.
type handler struct {
	c1.UnimplementedCallbackHandlerServer
	refuse, hold int
	quiet        bool

	mu    sync.Mutex
	pages int
}

func (h *handler) sync(cmd *exec.Cmd, cookie, options string, stream, mtls bool) (string, error) {
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: goplugin.HandshakeConfig{
			ProtocolVersion: 1, MagicCookieKey: "BASIC_PLUGIN", MagicCookieValue: cookie,
		},
		Plugins:          goplugin.PluginSet{"connector": &plug{}},
		Cmd:              cmd,
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         mtls,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: os.Stderr}),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return "", err
	}
	raw, err := protocol.Dispense("connector")
	if err != nil {
		return "", err
	}
	c := raw.(*remote)
	id := c.broker.NextId()
	if stream {
		go c.broker.AcceptAndServe(id, func(o []grpc.ServerOption) *grpc.Server {
			s := grpc.NewServer(o...)
			c1.RegisterCallbackHandlerServer(s, h)
			return s
		})
	}
	end, err := c.client.Sync(context.Background(), &c1.SyncRequest{Options: options, CallbackHandlerServer: id})
	return end.GetMetadata(), err
}

func (h *handler) print(l Line) {
	line, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", line)
}

// Upsert prints a page.
func (h *handler) Upsert(ctx context.Context, page *c1.SyncResponse) (*c1.Empty, error) {
	h.mu.Lock()
	h.pages++
	n := h.pages
	h.mu.Unlock()
	if n == h.refuse {
		return nil, status.Error(codes.Unknown, "the database is full")
	}
	if !h.quiet {
		h.print(Line{Page: page.GetResponse()})
	}
	if n == h.hold {
		<-ctx.Done()
	}
	return &c1.Empty{}, nil
}

// Clean prints that it was called.
func (h *handler) Clean(context.Context, *c1.Empty) (*c1.Empty, error) {
	h.print(Line{Clean: true})
	return &c1.Empty{}, nil
}

// plug is the host's side of the plugin.
type plug struct {
	goplugin.NetRPCUnsupportedPlugin
}

type remote struct {
	client c1.ConnectorClient
	broker *goplugin.GRPCBroker
}

// GRPCServer is for connectors.
func (*plug) GRPCServer(*goplugin.GRPCBroker, *grpc.Server) error { return nil }

// GRPCClient returns the remote connector.
func (*plug) GRPCClient(_ context.Context, broker *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &remote{c1.NewConnectorClient(conn), broker}, nil
}
