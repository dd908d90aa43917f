// Command mqtt-source is a source that subscribes to topics of an MQTT server.
package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

var info = common.Info{
	Name: "mqtt-source", Version: "0.1.0", Category: "Messaging",
	Description: "Subscribes to topics of an MQTT server and publishes their messages, acknowledging each after it is delivered.",
	Checks: []string{
		"subscribe holds valid topic filters", "keep-alive is 0s, or 1s to 65535s", "password goes with username",
		"TLS files go with mqtts://", "max-message is more than nothing",
	},
	Examples: []common.Example{
		{Title: "Publish what sensors say, losing nothing while the source is away", Args: []string{
			"--server", "mqtt://mqtt.example.com", "--client-id", "plant-1", "--subscribe", "sensors/+/temperature", "--topic", "temperature",
		}},
		{Title: "Share a stream of messages among several instances, over TLS", Args: []string{
			"--server", "mqtts://mqtt.example.com", "--client-id", "worker-1", "--subscribe", "$share/workers/orders/#",
			"--username", "patchbay", "--topic", "orders",
		}},
		{Title: "Speak MQTT 3.1.1, and forget what comes while the source is away", Args: []string{
			"--server", "mqtt://10.0.0.7:1883", "--protocol", "3.1.1", "--client-id", "viewer", "--session-expiry", "0s",
			"--subscribe", "status/#", "--subscribe", "alarms/#", "--qos", "0", "--topic", "status",
		}},
	},
}

func main() { common.RunSource(info, &MQTTSource{}) }

// MQTTSource holds the options that only this connector has.
type MQTTSource struct {
	Server        string        `help:"Address of the MQTT server; the port is 1883, or 8883 for mqtts, unless given." placeholder:"URL" default:"mqtt://127.0.0.1" pattern:"^mqtts?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$" form:"mqtt://HOST[:PORT] or mqtts://HOST[:PORT]"`
	Subscribe     []string      `help:"Topic filter to subscribe to, with + for one level and # for the rest, or $share/GROUP/FILTER. May be repeated." placeholder:"FILTER" required:"" sep:"none"`
	QoS           int           `name:"qos" help:"Highest quality of service: 0 may lose messages, 1 and 2 do not." default:"1" min:"0" max:"2"`
	Protocol      string        `help:"Version of MQTT." enum:"3.1.1,5" default:"5"`
	ClientID      string        `name:"client-id" help:"Name under which the server keeps the session. No two clients may use the same at a time." placeholder:"ID" required:"" pattern:"^[^\\x00-\\x1f\\x7f]+$" form:"text without control characters" maxlen:"256"`
	SessionExpiry time.Duration `help:"How long the server shall keep the session, with what comes meanwhile, after the connection has ended; 0s begins a new one each time. MQTT 3.1.1 cannot say how long." default:"168h" min:"0s"`
	Retained      string        `help:"Which retained messages to take: those of new subscriptions only, those of all at each connection (always so with MQTT 3.1.1), or none." enum:"new,always,none" default:"new"`
	Key           string        `help:"What is the key of a record: the topic of the message, or nothing." enum:"topic,none" default:"topic"`
	MaxMessage    common.Size   `help:"Largest payload to accept. A larger one ends the source." default:"16MiB"`

	Username string        `help:"User name to log in with." placeholder:"NAME" maxlen:"1000" group:"Authentication"`
	Password common.Secret `help:"Password of that user." placeholder:"PASSWORD" group:"Authentication"`

	Timeout           time.Duration `help:"Longest time to connect, log in and subscribe, each." default:"10s" min:"1ns" group:"Connection"`
	KeepAlive         time.Duration `help:"Longest silence before the server is asked whether it is there; 0s never asks. The server may choose another." default:"30s" min:"0s" group:"Connection"`
	MaxUnacknowledged int           `help:"Most messages of QoS 1 and 2 that the server may send before it waits for acknowledgements; MQTT 5 only." default:"1000" min:"1" max:"65535" unit:"messages" group:"Connection"`
	CAFile            string        `name:"ca-file" help:"File of PEM certificates of authorities to trust in place of the system's." placeholder:"FILE" group:"Connection"`
	ClientCertFile    string        `help:"File of the PEM certificate that the client shows to the server." placeholder:"FILE" and:"client-cert" group:"Connection"`
	ClientKeyFile     string        `help:"File of the PEM key of that certificate." placeholder:"FILE" and:"client-cert" group:"Connection"`
}

// Run is one connection. The server keeps the session, so that the next one begins with what is not acknowledged.
func (s *MQTTSource) Run(ctx context.Context, out common.Output) error {
	if out.Once() {
		return common.Permanent(common.Invalid("once", "has no end on MQTT topics; use --max-records"))
	}
	c, err := s.connect(ctx, s.clientID())
	if err != nil {
		return err
	}
	return c.receive(ctx, out)
}

// Validate implements common.Validator.
func (s *MQTTSource) Validate() error {
	var errs []error
	for _, filter := range s.Subscribe {
		if problem := checkFilter(filter); problem != "" {
			errs = append(errs, common.Invalid("subscribe", "%q: %s", filter, problem))
		}
	}
	// The protocol counts whole seconds in 16 bits.
	if s.KeepAlive != 0 && (s.KeepAlive < time.Second || s.KeepAlive > maxKeepAlive) {
		errs = append(errs, common.Invalid("keep-alive", "must be 0s, or 1s to 65535s"))
	}
	if s.MaxMessage == 0 {
		errs = append(errs, common.Invalid("max-message", "lets no payload through; give the largest that may come"))
	}
	if s.Password.Reveal() != "" && s.Username == "" {
		errs = append(errs, common.Invalid("password", "goes with a user name; add --username"))
	}
	for _, file := range []struct{ option, path string }{{"ca-file", s.CAFile}, {"client-cert-file", s.ClientCertFile}} {
		if file.path != "" && !s.encrypted() {
			errs = append(errs, common.Invalid(file.option, "has no effect without TLS; write --server mqtts://…"))
		}
	}
	return errors.Join(errs...)
}

// Check implements common.Checker: it logs in, in a session without a name of its own. It neither touches the session of
// the client id nor subscribes, for that would take messages away.
func (s *MQTTSource) Check(ctx context.Context) error {
	c, err := s.connect(ctx, identity{clean: true})
	if err != nil {
		return err
	}
	c.leave()
	return nil
}

// An identity says which session a connection is for.
type identity struct {
	id     string        // empty lets the server choose one
	clean  bool          // forget what the server has of it
	expiry time.Duration // how long to keep it afterwards
}

func (s *MQTTSource) clientID() identity {
	return identity{id: s.ClientID, clean: s.SessionExpiry == 0, expiry: s.SessionExpiry}
}

func (s *MQTTSource) encrypted() bool { return strings.HasPrefix(s.Server, "mqtts:") }

func (s *MQTTSource) version() version {
	if s.Protocol == "5" {
		return v5
	}
	return v311
}

var (
	_ common.Validator = (*MQTTSource)(nil)
	_ common.Checker   = (*MQTTSource)(nil)
)
