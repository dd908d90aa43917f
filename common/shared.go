package common

import (
	"time"

	"github.com/patchbay-dev/patchbay/internal/delivery"
)

// sdkVersion is the version of the shared flags. It changes when they do, and with it every connector.
const sdkVersion = "1"

// The shared flags, declared here once. A connector's own option never has one of these names.
type (
	sourceFlags struct {
		Topic     topicFlags     `embed:"" group:"Topic"`
		Stream    streamFlags    `embed:"" group:"Topic"`
		Broker    brokerFlags    `embed:"" group:"Broker"`
		Envelope  envelopeFlags  `embed:"" group:"Topic"`
		Events    eventsFlags    `embed:"" group:"Topic"`
		Transform transformFlags `embed:"" group:"Transforms"`
		Run       runFlags       `embed:"" group:"Running"`
		State     stateFlags     `embed:"" group:"Running"`
		Delivery  deliveryFlags  `embed:"" group:"Delivery"`
		Order     orderFlags     `embed:"" group:"Delivery"`
		Log       logFlags       `embed:"" group:"Logging"`
		Observe   observeFlags   `embed:"" group:"Observing"`
	}

	sinkFlags struct {
		Topic     topicFlags     `embed:"" group:"Topic"`
		Stream    streamFlags    `embed:"" group:"Topic"`
		Broker    brokerFlags    `embed:"" group:"Broker"`
		Group     groupFlags     `embed:"" group:"Topic"`
		Transform transformFlags `embed:"" group:"Transforms"`
		Run       runFlags       `embed:"" group:"Running"`
		State     keepFlags      `embed:"" group:"Running"`
		Batch     batchFlags     `embed:"" group:"Delivery"`
		Delivery  deliveryFlags  `embed:"" group:"Delivery"`
		Log       logFlags       `embed:"" group:"Logging"`
		Observe   observeFlags   `embed:"" group:"Observing"`
	}

	topicFlags struct {
		Topic       string `help:"Topic to publish to or consume, or - for standard output or input." placeholder:"TOPIC" required:"" pattern:"^(-|[A-Za-z0-9][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*)$" form:"a topic name: letters, digits, dashes and underscores, in parts joined by dots, or -" maxlen:"201"`
		Broker      string `help:"Broker that holds the topic, or an address for CloudEvents over HTTP: http(s)://… that a source posts to, http+listen://… that a sink listens at. Without it the local broker is used, and started if need be." placeholder:"URL" pattern:"^((nats|tls|nats\\+core)://[^\\s,]+(,(nats|tls|nats\\+core)://[^\\s,]+)*|(https?|http\\+listen)://\\S+)$" form:"a broker's address: nats://HOST:PORT, tls://… or nats+core://…, or for CloudEvents http://…, https://… or http+listen://HOST:PORT/…"`
		Name        string `help:"Name of this instance: it scopes saved positions, the default group and record ids. Default: connector and topic." placeholder:"NAME" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" form:"a name: letters, digits, dots, dashes and underscores" maxlen:"120"`
		TopicFormat string `help:"What a line of standard input or output holds with --topic -." enum:"json,raw,cloudevents" default:"json"`
		Acks        bool   `help:"Speak the link protocol with --topic -: for programs that drive connectors."`
	}

	// streamFlags take effect where a topic has no stream yet, whichever direction makes it.
	streamFlags struct {
		TopicReplicas  int           `help:"Servers of a cluster that keep each record, if the topic has to be made." default:"1" min:"1" max:"5" unit:"servers"`
		TopicMaxAge    time.Duration `help:"How long a record is kept, if the topic has to be made; 0s means for ever." default:"0s" min:"0s"`
		TopicMaxBytes  Size          `help:"Most bytes of the topic, if it has to be made; while it is full, sources wait; 0 means no limit." default:"0B"`
		TopicRetention string        `help:"What is kept, if the topic has to be made: all that the limits allow, what the one group has not acknowledged (workqueue), or what some group has not (interest; nothing without one)." enum:"limits,workqueue,interest" default:"limits"`
	}

	brokerFlags struct {
		BrokerCredentialsFile string `help:"Credentials file (.creds) with the JWT and the seed of a NATS user." placeholder:"FILE" xor:"broker-login"`
		BrokerNkeyFile        string `help:"File with the seed of a NATS user (nkey)." placeholder:"FILE" xor:"broker-login"`
		BrokerToken           Secret `help:"Token that the broker asks for." placeholder:"TOKEN" xor:"broker-login"`
		BrokerUser            string `help:"User to log in to the broker as." placeholder:"USER" xor:"broker-login" and:"broker-user"`
		BrokerPassword        Secret `help:"Password of that user." placeholder:"PASSWORD" and:"broker-user"`
		BrokerCAFile          string `help:"PEM file with the authorities to trust in place of the system's; demands TLS." placeholder:"FILE"`
		BrokerCertFile        string `help:"PEM file with the certificate to show to the broker; demands TLS." placeholder:"FILE" and:"broker-cert-file"`
		BrokerKeyFile         string `help:"PEM file with the key of that certificate." placeholder:"FILE" and:"broker-cert-file"`
	}

	envelopeFlags struct {
		Envelope string `help:"What surrounds a payload on the topic: lean adds only what is set, cloudevents adds all CloudEvents attributes. Over HTTP it is always cloudevents." enum:"lean,cloudevents" default:"lean"`
	}

	eventsFlags struct {
		CloudEventsMode string `name:"cloudevents-mode" help:"What a request of CloudEvents over HTTP holds: one event with its attributes as headers (binary), one as JSON (structured), or many as JSON (batched)." enum:"binary,structured,batched" default:"binary"`
	}

	groupFlags struct {
		Group string `help:"Consumer group: instances with the same group share the topic's records. Default: the name." placeholder:"GROUP" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]*$" form:"a group name: letters, digits, dashes and underscores" maxlen:"120"`
		From  string `help:"Where a new group starts." enum:"earliest,latest" default:"earliest"`
	}

	transformFlags struct {
		Map      []string          `help:"jq expression whose output replaces the payload, @FILE, or a SmartModule FILE.wasm. Transforms apply in the order given." placeholder:"EXPR" sep:"none"`
		Filter   []string          `help:"jq expression that keeps the records for which it is true, @FILE, or a SmartModule FILE.wasm." placeholder:"EXPR" sep:"none"`
		Arraymap []string          `help:"jq expression each of whose outputs becomes a record of its own, @FILE, or a SmartModule FILE.wasm." placeholder:"EXPR" sep:"none"`
		Param    map[string]string `help:"Parameter of the SmartModules; give it once for each." placeholder:"KEY=VALUE" mapsep:"none"`
		Initial  string            `help:"What the SmartModules that aggregate begin with, where nothing is saved. Default: nothing." placeholder:"TEXT"`
	}

	runFlags struct {
		Once            bool          `help:"Make one pass over what is there now, then end."`
		MaxRecords      int           `help:"End after this many records are delivered; 0 means no limit." default:"0" min:"0" unit:"records"`
		StartTimeout    time.Duration `help:"End with status 1 if the first session has not started by then." default:"30s" min:"1ns"`
		ShutdownTimeout time.Duration `help:"Longest time to finish what is under way after a request to stop." default:"10s" min:"1ns"`
	}

	stateFlags struct {
		State string `help:"Where positions are saved: none, file:PATH, or kv:BUCKET on the broker. Default: a bucket on the broker; a file of its own for CloudEvents over HTTP; none with --topic -." placeholder:"WHERE" pattern:"^(none|file:.+|kv:[A-Za-z0-9_-]+)$" form:"none, file:PATH or kv:BUCKET"`
	}

	keepFlags struct {
		State string `help:"Where to save what SmartModules aggregate: none, file:PATH, or kv:BUCKET on the broker. Default: a bucket on the broker; a file of its own for CloudEvents over HTTP; none with --topic -, nor on plain subjects." placeholder:"WHERE" pattern:"^(none|file:.+|kv:[A-Za-z0-9_-]+)$" form:"none, file:PATH or kv:BUCKET"`
	}

	batchFlags struct {
		BatchSize int           `help:"Most records in one batch." default:"500" min:"1" max:"100000" unit:"records"`
		BatchWait time.Duration `help:"How long a batch that has records waits for more." default:"20ms" min:"0s"`
	}

	deliveryFlags struct {
		MaxInFlight      int           `help:"Most records that are not acknowledged." default:"4096" min:"1" max:"1000000" unit:"records"`
		MaxInFlightBytes Size          `help:"Most bytes in records that are not acknowledged." default:"64MiB" min:"1B"`
		RetryMaxWait     time.Duration `help:"Longest wait between two tries; waits double up to it." default:"10s" min:"1ns"`
		OnError          string        `help:"What to do with a record that cannot be processed." enum:"fail,skip,dead-letter" default:"fail"`
		DeadLetter       string        `help:"Topic that keeps such records with --on-error dead-letter." placeholder:"TOPIC" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*$" form:"a topic name: letters, digits, dashes and underscores, in parts joined by dots" maxlen:"201"`
	}

	orderFlags struct {
		Ordered bool `help:"Send a record only when the one before it in its partition is acknowledged: slower, and in order even where the topic refuses or loses a record that it takes later."`
	}

	logFlags struct {
		LogLevel  string `help:"Least severe messages to log." enum:"debug,info,warn,error" default:"info"`
		LogFormat string `help:"How messages are written to standard error." enum:"text,json" default:"text"`
	}

	observeFlags struct {
		MetricsAddr string `help:"Serve Prometheus metrics, /healthz and /readyz here; port 0 takes a free one. Without authentication." placeholder:"HOST:PORT" pattern:"^([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$" form:"HOST:PORT, such as 127.0.0.1:9464, or 0.0.0.0:9464 for every interface"`
		Pprof       bool   `help:"Serve profiles of the program there, too, at /debug/pprof/."`
	}
)

// shared gives the parts that the engine needs, from either direction's flags.
type shared interface {
	parts() (*topicFlags, *transformFlags, *runFlags, *deliveryFlags, *logFlags)
}

func (f *sourceFlags) parts() (*topicFlags, *transformFlags, *runFlags, *deliveryFlags, *logFlags) {
	return &f.Topic, &f.Transform, &f.Run, &f.Delivery, &f.Log
}

func (f *sinkFlags) parts() (*topicFlags, *transformFlags, *runFlags, *deliveryFlags, *logFlags) {
	return &f.Topic, &f.Transform, &f.Run, &f.Delivery, &f.Log
}

// limits hands the flags to the engine.
func limits(r *runFlags, d *deliveryFlags) delivery.Limits {
	return delivery.Limits{
		MaxRecords: r.MaxRecords, MaxInFlight: d.MaxInFlight, MaxBytes: int64(d.MaxInFlightBytes), RetryCap: d.RetryMaxWait,
		StartTimeout: r.StartTimeout, ShutdownTimeout: r.ShutdownTimeout, Once: r.Once,
	}
}

// control holds the commands, and the flags that are no options. Not every connector has all commands: see without.
type control struct {
	Help    bool   `help:"Show all flags and commands, or those of a command." short:"h" group:"Other"`
	Version bool   `help:"Show the version." group:"Other"`
	Config  string `help:"Config file, YAML or JSON, to take options from." placeholder:"FILE" group:"Other"`

	Run      struct{} `cmd:"" help:"Run the connector; the same as no command."`
	Metadata struct {
		Draft string `help:"Dialect of the schema: draft-07 or 2020-12." placeholder:"DRAFT"`
	} `cmd:"" help:"Print the metadata document as JSON; reads nothing, needs nothing."`
	Validate struct {
		Batch string `help:"Check one JSON document of flat options a line from this file, - for standard input, and answer one verdict a line." placeholder:"FILE"`
	} `cmd:"" help:"Check the options, without a connection, and list every problem."`
	Check      struct{} `cmd:"" help:"Check the options, then connect to the broker and the system; changes nothing."`
	Discover   struct{} `cmd:"" help:"Connect to the system and list what there is for this connector, a JSON object a line; changes nothing."`
	Completion struct {
		Shell string `arg:"" help:"bash, zsh or fish."`
	} `cmd:"" help:"Print a completion script for a shell."`
	State struct {
		Show struct{} `cmd:"" help:"Print the saved position and who uses it, as JSON."`
		Set  struct {
			Positions []string `arg:"" name:"PARTITION=POSITION" help:"Cut at the first =; other partitions stay as they are. Or - for a JSON document on standard input as state show prints it, which replaces everything."`
		} `cmd:"" help:"Save positions by hand. Records get other ids than before."`
		Reset struct {
			Partitions []string `arg:"" optional:"" name:"PARTITION" help:"Partition to forget; without any, the whole state."`
		} `cmd:"" help:"Forget the saved position, so that the next run starts over. Records get other ids than before."`
	} `cmd:"" help:"Show or change the saved position."`
}
