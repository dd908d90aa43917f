package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
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
	on                        OnError
	dead                      func(ctx context.Context, rec record.Record, settled func(error)) error
	ctx                       context.Context // of the dead letters; outlives a stop by the shutdown timeout
	log                       *slog.Logger
	connector, version, topic string
}

// apply settles a record that failed at a step: with nil when the policy has dealt with it, else with a permanent error.
func (p *policy) apply(rec record.Record, step string, cause error, settled func(error)) {
	switch p.on {
	case Skip:
		p.log.Warn("record skipped", "step", step, "partition", rec.Partition, "position", rec.Position, "error", cause)
		settled(nil)
	case DeadLetter:
		p.log.Warn("record sent to the dead-letter topic", "step", step, "partition", rec.Partition, "position", rec.Position,
			"error", cause)
		err := p.dead(p.ctx, p.letter(rec, step, cause), func(err error) {
			if err != nil {
				err = Permanent(fmt.Errorf("write the dead letter: %w", err))
			}
			settled(err)
		})
		if err != nil {
			settled(Permanent(fmt.Errorf("write the dead letter: %w", err)))
		}
	default:
		settled(Permanent(fmt.Errorf("%s: %w", step, cause)))
	}
}

// letter is the record with the reason in its headers and its bytes as they were.
func (p *policy) letter(rec record.Record, step string, cause error) record.Record {
	h := maps.Clone(rec.Headers)
	if h == nil {
		h = map[string]string{}
	}
	for key, text := range map[string]string{
		HeaderReason: cause.Error(), HeaderStep: step, HeaderConnector: p.connector, HeaderVersion: p.version,
		HeaderPartition: rec.Partition, HeaderPosition: rec.Position, HeaderTopic: p.topic,
		HeaderTime: time.Now().UTC().Format(time.RFC3339Nano),
	} {
		if text != "" {
			h[key] = text
		}
	}
	rec.Headers, rec.Settled = h, nil
	return rec
}

// policed sends records that the topic refuses to the error policy, as they were before any transform.
type policed struct {
	transport.Writer
	policy *policy
}

// Write implements transport.Writer.
func (p *policed) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	return p.Writer.Write(ctx, rec, func(err error) {
		var (
			rejected *transport.Rejected
			decided  *permanent // the policy has spoken
		)
		if errors.As(err, &rejected) && !errors.As(err, &decided) {
			p.policy.apply(rec, "publish", err, settled)
			return
		}
		settled(err)
	})
}

// transformed applies the transforms: a record may become none, one or several, and is settled when all of them are.
type transformed struct {
	transport.Writer
	chain  *transform.Chain
	policy *policy
}

// Write implements transport.Writer.
func (t *transformed) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	out, err := t.chain.Apply(ctx, rec)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		t.policy.apply(rec, "transform", err, settled)
		return nil
	}
	if len(out) == 0 {
		settled(nil)
		return nil
	}
	group := newGroup(len(out), settled)
	for i := range out {
		if err := t.Writer.Write(ctx, out[i], group.settle); err != nil {
			if i == 0 {
				return err
			}
			for range out[i:] { // earlier ones are on their way: the parent fails when they have settled
				group.settle(err)
			}
			return nil
		}
	}
	return nil
}

// letters writes dead letters, again and again until they are stored: losing one would lose its record.
type letters struct{ *retry }

func newLetters(write func(context.Context, record.Record, func(error)) error, l *life, backoff Backoff) *letters {
	return &letters{newRetry(letterWriter(write), l, backoff)}
}

// letterWriter makes a transport.Writer of the function that writes a dead letter. Whoever made it flushes and closes.
type letterWriter func(context.Context, record.Record, func(error)) error

// Write implements transport.Writer.
func (w letterWriter) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	return w(ctx, rec, settled)
}

// Flush implements transport.Writer.
func (letterWriter) Flush(context.Context) error { return nil }

// Close implements transport.Writer.
func (letterWriter) Close() error { return nil }
