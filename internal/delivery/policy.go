package delivery

import (
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
)

// OnError says what becomes of a record that cannot be processed.
type OnError string

// The three policies.
const (
	Fail       OnError = "fail"        // end with status 1; the record is delivered again on the next start
	Skip       OnError = "skip"        // log it and go on
	DeadLetter OnError = "dead-letter" // keep it in the dead-letter topic and go on
)

// Headers of a dead letter, beside those of the record itself.
const (
	HeaderID        = "Patchbay-Dead-Id" // the id of the record; the dead letter has one of its own
	HeaderReason    = "Patchbay-Dead-Reason"
	HeaderStep      = "Patchbay-Dead-Step" // transform, publish or write
	HeaderConnector = "Patchbay-Dead-Connector"
	HeaderVersion   = "Patchbay-Dead-Version"
	HeaderPosition  = "Patchbay-Dead-Position"
	HeaderPartition = "Patchbay-Dead-Partition"
	HeaderTopic     = "Patchbay-Dead-Topic"
	HeaderTime      = "Patchbay-Dead-Time"
)

// A policy decides about records that cannot be processed.
type policy struct {
	Instance
	on      OnError
	letters *letters
	log     *slog.Logger
	metrics *observe.Metrics // may be nil
}

// apply settles a record that failed at a step: with nil when the policy has dealt with it, else with a permanent error. It
// does not block.
func (p *policy) apply(rec record.Record, step string, cause error, settled func(error)) {
	switch p.on {
	case Skip:
		p.log.Warn("record skipped", "step", step, "partition", rec.Partition, "position", rec.Position, "error", cause)
		p.metrics.Skipped(1)
		settled(nil)
	case DeadLetter:
		p.log.Warn("record sent to the dead-letter topic", "step", step, "partition", rec.Partition, "position", rec.Position,
			"error", cause)
		p.letters.put(p.letter(rec, step, cause), func(err error) {
			if err != nil {
				err = Permanent(fmt.Errorf("write the dead letter: %w", err))
			} else {
				p.metrics.DeadLettered(1)
			}
			settled(err)
		})
	default:
		settled(Permanent(fmt.Errorf("%s: %w", step, cause)))
	}
}

// letter is the record with the reason in its headers and its bytes as they were. Its id is the same whenever the same
// instance gives up the same record, and that of nothing else: a topic that drops duplicates by id may hold the record too.
func (p *policy) letter(rec record.Record, step string, cause error) record.Record {
	h := maps.Clone(rec.Headers)
	if h == nil {
		h = map[string]string{}
	}
	for key, text := range map[string]string{
		HeaderReason: cause.Error(), HeaderStep: step, HeaderConnector: p.Connector, HeaderVersion: p.Version,
		HeaderPartition: rec.Partition, HeaderPosition: rec.Position, HeaderTopic: p.Topic, HeaderID: rec.ID,
		HeaderTime: time.Now().UTC().Format(time.RFC3339Nano),
	} {
		if text != "" {
			h[key] = text
		}
	}
	if rec.ID != "" {
		rec.ID += ".dead." + p.Name
	}
	rec.Headers, rec.Settled = h, nil
	return rec
}
