package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin"
)

type pluginCommand struct {
	Connector       string        `arg:"" help:"A source, after --, as in: patchbay plugin -- http-source --endpoint https://example.com/items"`
	Args            []string      `arg:"" optional:"" help:"Its flags, which hold where the options of an account say nothing else."`
	PageSize        int           `default:"100" placeholder:"N" help:"Objects in a page; a page ends earlier at 3 MiB, or when no more came for half a second."`
	RemoteID        string        `name:"remote-id" placeholder:"EXPR" help:"jq expression that gives an object's remote_id. Default: the record's key, else its id."`
	ResourceName    string        `placeholder:"EXPR" help:"jq expression that gives its resource_name. Default: the record's subject."`
	URI             string        `name:"uri" placeholder:"EXPR" help:"jq expression that gives its uri. Default: none."`
	State           string        `placeholder:"DIR" env:"PATCHBAY_PLUGIN_STATE" help:"Folder that keeps positions, so that a sync of an account goes on where the last one ended. Default: none, and every sync reads all."`
	StartTimeout    time.Duration `default:"30s" env:"PATCHBAY_START_TIMEOUT" help:"Fail a sync in which nothing has worked for so long."`
	ShutdownTimeout time.Duration `default:"10s" env:"PATCHBAY_SHUTDOWN_TIMEOUT" help:"Longest time to finish what is under way after a request to stop."`
	binFlags
}

// Validate is called by kong; what it finds is wrong usage.
func (p *pluginCommand) Validate() error {
	switch {
	case p.PageSize < 1 || p.PageSize > plugin.MaxPageSize:
		return fmt.Errorf("--page-size: %d is not between 1 and %d", p.PageSize, plugin.MaxPageSize)
	case p.StartTimeout <= 0 || p.ShutdownTimeout <= 0:
		return errors.New("--start-timeout and --shutdown-timeout must be more than 0")
	}
	return nil
}

// Run serves the c1 host that has started this process, until it asks for the end or has died, or ctx ends.
func (p *pluginCommand) Run(ctx context.Context, s Surroundings) error {
	err := plugin.Run(ctx, plugin.Config{
		Connector: p.Connector, Args: p.Args, Dirs: p.dirs(s),
		Settings: plugin.Settings{PageSize: p.PageSize, RemoteID: p.RemoteID, ResourceName: p.ResourceName, URI: p.URI},
		State:    p.State,
		Limits:   delivery.Limits{StartTimeout: p.StartTimeout, ShutdownTimeout: p.ShutdownTimeout},
		Stderr:   s.Stderr,
	})
	if wrong := (*plugin.UsageError)(nil); errors.As(err, &wrong) {
		return &usageError{wrong}
	}
	return err
}
