package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps"
)

type kpsCommand struct {
	Words       []string `arg:"" name:"connector" help:"A source or a sink, or one of each, and flags for them; after --, as in: patchbay kps -- http-source http-sink --log-level warn"`
	ConnectorID string   `name:"connector-instance-id" placeholder:"ID" env:"CONNECTOR_INSTANCE_ID" required:"" help:"The connector instance that the platform calls."`
	Broker      string   `name:"nats-broker" placeholder:"URL" env:"NATS_BROKER" required:"" help:"NATS servers that carry the transport channels, separated by commas."`
	NATSName    string   `name:"nats-name" placeholder:"NAME" env:"NATS_NAME" default:"patchbay-kps" help:"Name of our connections, for the servers' operators."`
	PushGateway string   `name:"push-gateway" placeholder:"URL" env:"PUSH_GW" help:"Prometheus pushgateway that gets the counters of transport errors."`
	Listen      string   `placeholder:"HOST:PORT" default:":8000" help:"Where to serve the platform; port 0 takes a free one."`
	State       string   `placeholder:"DIR" env:"PATCHBAY_KPS_STATE" help:"Folder that keeps the positions of ingress streams. Default: patchbay/kps in XDG_STATE_HOME."`
	binFlags
	ShutdownTimeout time.Duration `default:"10s" env:"PATCHBAY_SHUTDOWN_TIMEOUT" help:"Longest time to finish what is under way when a stream stops or changes."`
	LogLevel        string        `default:"info" enum:"debug,info,warn,error" env:"PATCHBAY_LOG_LEVEL" help:"Least severe messages to log, of patchbay and of connectors that are told nothing else (${enum})."`
	LogFormat       string        `default:"text" enum:"text,json" env:"PATCHBAY_LOG_FORMAT" help:"How messages are written to standard error (${enum})."`
}

// Validate is called by kong; what it finds is wrong usage.
func (k *kpsCommand) Validate() error {
	switch {
	case k.ConnectorID == "":
		return errors.New("--connector-instance-id (CONNECTOR_INSTANCE_ID) is empty")
	case k.Broker == "":
		return errors.New("--nats-broker (NATS_BROKER) is empty")
	case k.ShutdownTimeout <= 0:
		return fmt.Errorf("--shutdown-timeout: %s is not more than 0", k.ShutdownTimeout)
	}
	return nil
}

// Run serves the platform until ctx ends and what is under way is finished.
func (k *kpsCommand) Run(ctx context.Context, s Surroundings) error {
	state := k.State
	if state == "" {
		var err error
		if state, err = stateFolder(s, "kps"); err != nil {
			return err
		}
	}
	err := kps.Run(ctx, kps.Options{
		Words: k.Words, Dirs: k.dirs(s), Env: os.Environ(), State: state,
		Stderr: s.Stderr, LogLevel: k.LogLevel, LogFormat: k.LogFormat,
		ConnectorID: k.ConnectorID, Broker: k.Broker, NATSName: k.NATSName, PushGateway: k.PushGateway, Listen: k.Listen,
		ShutdownTimeout: k.ShutdownTimeout,
	})
	if usage := (*kps.UsageError)(nil); errors.As(err, &usage) {
		return &usageError{usage}
	}
	return err
}
