package common

import (
	"errors"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/options"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// semanticChecks tells in words what semantic checks of the shared options, for the metadata.
var semanticChecks = []string{
	"map, filter and arraymap hold jq expressions that compile, or SmartModules of their kind",
	"param needs a SmartModule",
	"initial needs a SmartModule that aggregates",
	"acks needs the topic - and a name",
	"on-error dead-letter needs a dead-letter topic, and a topic other than - unless acks is set",
	"state kv:BUCKET needs a topic other than -",
	"dead-letter is another topic than topic",
	"broker holds addresses of one kind, with nothing behind host and port",
	"once needs JetStream where a sink reads from a broker",
	"broker-credentials-file, broker-nkey-file, broker-token, broker-user, broker-ca-file and broker-cert-file need a broker, and only one login is given",
	"topic-replicas above 1 needs a broker, and none of the topic-… options goes with plain subjects",
	"topic-max-age is 0s or at least 100ms",
	"pprof needs metrics-addr",
}

// semantic makes the checks that the schema has no words for.
func (s scratch) semantic(settings options.Settings) (problems []*options.Problem) {
	own, flags := s.own, s.flags
	if err := s.model.Bind(settings); err != nil {
		return []*options.Problem{{Message: err.Error()}}
	}
	add := func(option, message string) {
		problems = append(problems, &options.Problem{Option: option, Message: message, Semantic: true})
	}
	t, _, run, d, _ := flags.parts()
	plain := t.Topic == "-" && !t.Acks
	if t.Acks && t.Topic != "-" {
		add("acks", "goes with --topic - only")
	}
	if t.Acks && t.Name == "" {
		add("acks", "needs --name")
	}
	switch {
	case d.OnError == "dead-letter" && plain:
		add("on-error", "dead-letter needs a topic on a broker; with --topic - choose fail or skip")
	case d.OnError == "dead-letter" && d.DeadLetter == "" && !t.Acks:
		add("on-error", "dead-letter needs --dead-letter TOPIC")
	case d.OnError != "dead-letter" && d.DeadLetter != "":
		add("dead-letter", "has no effect without --on-error dead-letter")
	}
	if o := observing(flags); o.Pprof && o.MetricsAddr == "" {
		add("pprof", "has no effect without --metrics-addr")
	}
	if d.DeadLetter != "" && d.DeadLetter == t.Topic {
		add("dead-letter", "must be another topic than --topic, or dead letters would come round again")
	}
	if t.Topic != "-" { // else the broker is not used: it may be in a variable that both sides of a pipe inherit
		cloudEventsProblems(flags, add)
	}
	if !cloudevents.Serves(t.Broker) {
		if err := nats.CheckURL(t.Broker); err != nil {
			add("broker", err.Error())
		} else if t.Topic != "-" {
			connectionProblems(flags, add)
		}
	}
	if _, isSink := flags.(*sinkFlags); isSink && run.Once && strings.HasPrefix(t.Broker, "nats+core://") {
		add("once", "has no end on plain subjects, which keep nothing; use a broker with JetStream, or --max-records")
	}
	if t.Topic == "-" && strings.HasPrefix(saving(flags), "kv:") {
		add("state", "a bucket needs a topic on a broker; with --topic - choose file:PATH or none")
	}
	if v, ok := own.(Validator); ok {
		if err := v.Validate(); err != nil {
			for _, e := range split(err) {
				var problem *options.Problem
				if !errors.As(e, &problem) {
					problem = &options.Problem{Message: e.Error(), Semantic: true}
				}
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

// split takes errors apart that were joined, and joined again.
func split(err error) (errs []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		errs = append(errs, split(e)...)
	}
	return errs
}
