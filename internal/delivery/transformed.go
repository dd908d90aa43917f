package delivery

import (
	"context"
	"errors"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// An entrance takes what a source sends, with the slot of the tracker that stands for it. It blocks and settles as a
// transport.Writer does.
type entrance interface {
	put(ctx context.Context, rec record.Record, s *slot, settled func(error)) error
}

// policed sends records that the topic refuses to the error policy, as they were before any transform.
type policed struct {
	transport.Writer
	policy *policy
}

// put implements entrance. It blocks while dead letters cannot be handed over.
func (p *policed) put(ctx context.Context, rec record.Record, _ *slot, settled func(error)) error {
	if err := p.policy.letters.room(ctx); err != nil {
		return err
	}
	return p.Write(ctx, rec, p.policy.guard(rec, settled))
}

// guard returns what settles rec: a record that the topic refuses is the policy's, all else is that of settled.
func (p *policy) guard(rec record.Record, settled func(error)) func(error) {
	return func(err error) {
		if err == nil { // before variables that errors.As would have on the heap
			settled(nil)
			return
		}
		var (
			rejected *transport.Rejected
			decided  *permanent // the policy has spoken
		)
		if errors.As(err, &rejected) && !errors.As(err, &decided) {
			p.apply(rec, "publish", err, settled)
			return
		}
		settled(err)
	}
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
	return t.forward(ctx, rec, transform.Outcome{Records: out, Err: err}, settled)
}

// forward writes what has become of rec.
func (t *transformed) forward(ctx context.Context, rec record.Record, o transform.Outcome, settled func(error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if o.Err != nil {
		t.policy.apply(rec, "transform", o.Err, settled)
		return nil
	}
	if len(o.Records) == 0 {
		t.policy.metrics.Filtered(1)
		settled(nil)
		return nil
	}
	group := newGroup(len(o.Records), settled)
	for i := range o.Records {
		if err := t.Writer.Write(ctx, o.Records[i], group.settle); err != nil {
			if i == 0 {
				return err
			}
			for range o.Records[i:] { // earlier ones are on their way: the parent fails when they have settled
				group.settle(err)
			}
			return nil
		}
	}
	return nil
}

var _ entrance = (*policed)(nil)
