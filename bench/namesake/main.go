// Command namesake is a connector that is called what its file is called: one build, linked under many names, makes as many
// connectors, each a source or a sink as its name ends. They move nothing, but connect as the gate wants it; they are there to
// be catalogued.
package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/httpclient"
)

func main() {
	info := common.Info{
		Name: filepath.Base(os.Args[0]), Version: "0.1.0", Category: "Testing",
		Description: "Moves nothing, to measure how long a catalog of many connectors takes.",
		Examples: []common.Example{
			{Title: "Do nothing", Args: []string{"--topic", "-", "--endpoint", "http://127.0.0.1:1/"}},
		},
	}
	if strings.HasSuffix(info.Name, "-sink") {
		common.RunSink(info, &Discard{})
	} else {
		common.RunSource(info, &Nothing{})
	}
}

// reach connects to an address and hangs up.
func reach(ctx context.Context, endpoint common.URL) error {
	var d net.Dialer
	connection, err := d.DialContext(ctx, "tcp", endpoint.Host)
	if err != nil {
		return err
	}
	return connection.Close()
}

// Nothing holds the options of a source that is at its end once it is connected.
type Nothing struct {
	Endpoint common.URL `help:"Address to read nothing from." placeholder:"URL" required:""`
	httpclient.Options
}

// Run implements common.Source.
func (n *Nothing) Run(ctx context.Context, _ common.Output) error { return reach(ctx, n.Endpoint) }

// Discard holds the options of a sink that takes everything and keeps none of it.
type Discard struct {
	Endpoint common.URL `help:"Address to write nothing to." placeholder:"URL" required:""`
	httpclient.Options
}

// Run implements common.Sink.
func (d *Discard) Run(ctx context.Context, in common.Input) error {
	if err := reach(ctx, d.Endpoint); err != nil {
		return err
	}
	return common.Each(ctx, in, func(context.Context, []common.Record) error { return nil })
}
