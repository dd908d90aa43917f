package common

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// openCloudEvents opens a topic that is an HTTP address: a source posts to it, a sink listens at it.
func (o *opening) openCloudEvents(ctx context.Context, e *endpoint) error {
	_, _, _, d, _ := o.flags.parts()
	if saving(o.flags) == "" && (o.info.Resumes || o.keeps) {
		path, err := o.stateFile()
		if err != nil {
			return err
		}
		e.store = state.NewFile(path)
		e.close = append(e.close, e.store.Close)
	}
	if !o.sources {
		reader, err := cloudevents.Listen(ctx, o.cloudEventsReader())
		if err != nil {
			return err
		}
		e.reader = reader
		e.close = append(e.close, reader.Close)
		o.log.Info("listening for CloudEvents", "url", reader.URL())
		return nil
	}
	config := o.cloudEventsWriter()
	config.StopAtFailure = true // delivery keeps the order then, and resumes
	writer, err := cloudevents.NewWriter(config)
	if err != nil {
		return err
	}
	e.writer = writer
	e.close = append(e.close, writer.Close)
	if d.OnError == "dead-letter" {
		config.Topic, config.StopAtFailure = d.DeadLetter, false
		dead, err := cloudevents.NewWriter(config)
		if err != nil {
			return err
		}
		e.dead = dead.Write
		e.close = append(e.close, dead.Close)
	}
	return nil
}

func (o *opening) cloudEventsWriter() cloudevents.WriterConfig {
	t, _, _, d, _ := o.flags.parts()
	c := cloudevents.WriterConfig{URL: t.Broker, Topic: t.Topic, Source: o.cloudEventsSource(), MaxInFlight: d.MaxInFlight}
	if s, ok := o.flags.(*sourceFlags); ok {
		c.Mode = cloudevents.Mode(s.Events.CloudEventsMode)
	}
	return c
}

func (o *opening) cloudEventsReader() cloudevents.ReaderConfig {
	t, _, _, d, _ := o.flags.parts()
	return cloudevents.ReaderConfig{
		URL: t.Broker, Topic: t.Topic, MaxInFlight: d.MaxInFlight, MaxBytes: int64(d.MaxInFlightBytes), Logger: o.log,
	}
}

// stateFile is where a connector keeps its state if --state does not say it and the topic keeps none:
// patchbay/CONNECTOR/NAME.json in XDG_STATE_HOME, by default ~/.local/state.
func (o *opening) stateFile() (string, error) {
	base, _ := o.w.lookupEnv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) { // relative ones are to be ignored, says the XDG base directory specification
		home, _ := o.w.lookupEnv("HOME")
		if !filepath.IsAbs(home) {
			return "", &usageError{errors.New("no folder to save the state in: set --state file:PATH, HOME or XDG_STATE_HOME")}
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "patchbay", o.info.Name, o.name+".json"), nil
}

// checkCloudEvents asks the address whether somebody is there, or listens at it for a moment.
func (p *program) checkCloudEvents(ctx context.Context, flags shared) error {
	t, _, _, _, _ := flags.parts()
	o := &opening{info: p.info, flags: flags, name: p.instanceName(t)}
	if _, isSource := flags.(*sourceFlags); isSource {
		return cloudevents.Check(ctx, o.cloudEventsWriter())
	}
	reader, err := cloudevents.Listen(ctx, o.cloudEventsReader())
	if err != nil {
		return err
	}
	return reader.Close()
}

// cloudEventsChecks tells in words what cloudEventsProblems checks, for the metadata.
var cloudEventsChecks = []string{
	"broker http://… or https://… is for sources, http+listen://… for sinks, and the other broker-… and topic-… options are not for them",
	"cloudevents-mode needs a broker http://… or https://…",
	"with such a broker, once and dead letters are not for a sink, dead letters of a source need {topic} in the broker's path, " +
		"and state is no bucket",
}

// cloudEventsProblems makes the checks for a topic that is an HTTP address that the schema has no words for.
func cloudEventsProblems(flags shared, add func(option, message string)) {
	t, _, run, d, _ := flags.parts()
	source, isSource := flags.(*sourceFlags)
	if !cloudevents.Serves(t.Broker) {
		if isSource && source.Events.CloudEventsMode != "binary" {
			add("cloudevents-mode", "has no effect without a --broker http://… or https://…")
		}
		return
	}
	broker, stream := connection(flags)
	if broker.access() != (nats.Access{}) {
		add("broker", "the broker-… options are for NATS; a user name and password stand in the address, as in https://USER:PASSWORD@HOST/")
	}
	if s := stream.stream(); s.Replicas > 1 || s.MaxAge != 0 || s.MaxBytes != 0 || s.Retention != "limits" {
		add("broker", "the topic-… options are for NATS; nothing keeps records on the way over HTTP")
	}
	if strings.HasPrefix(saving(flags), "kv:") {
		add("state", "a bucket needs a NATS broker; over HTTP choose file:PATH or none")
	}
	if !isSource {
		if err := cloudevents.CheckReaderURL(t.Broker); err != nil {
			add("broker", err.Error())
		}
		if run.Once {
			add("once", "has no end where a sink listens; use --max-records")
		}
		if d.OnError == "dead-letter" {
			add("on-error", "dead-letter needs a topic on a NATS broker; where a sink listens, choose fail or skip")
		}
		return
	}
	if err := cloudevents.CheckWriterURL(t.Broker); err != nil {
		add("broker", err.Error())
	}
	if d.OnError == "dead-letter" && !cloudevents.NamesTopic(t.Broker) {
		add("on-error", "dead-letter needs {topic} in the path of --broker, or dead letters would go where all the others do")
	}
}
