// Command namesake is a connector that is called what its file is called: one build, linked under many names, makes as many
// connectors, each a source or a sink as its name ends. They move nothing; they are there to be catalogued.
package main

import (
	"context"
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

// Nothing holds the options of a source that is at its end from the start.
type Nothing struct {
	Endpoint common.URL `help:"Address to read nothing from." placeholder:"URL" required:""`
	httpclient.Options
}

// Run implements common.Source.
func (*Nothing) Run(context.Context, common.Output) error { return nil }

// Discard holds the options of a sink that takes everything and keeps none of it.
type Discard struct {
	Endpoint common.URL `help:"Address to write nothing to." placeholder:"URL" required:""`
	httpclient.Options
}

// Run implements common.Sink.
func (*Discard) Run(ctx context.Context, in common.Input) error {
	return common.Each(ctx, in, func(context.Context, []common.Record) error { return nil })
}
