package delivery

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// An Input is what a sink reads from. It implements the interface of that name in common and outlives its sessions.
type Input struct {
	s    *sink
	feed chan []*item // from the pump; closed when the topic has ended

	mu        sync.Mutex
	open      int                 // messages that are not acknowledged
	bytes     int64               // of these
	batches   map[*Batch]struct{} // with open records
	items     uint64              // made so far; the pump's own
	again     []*item             // to be delivered again, in order, before anything new
	notBefore time.Time           // of again
	backoff   Backoff
	leftover  []*item // read from the topic, but beyond what one batch takes
	delivered int     // items the target has
	outside   int     // items handed out and not settled
	changed   chan struct{}
}

func newInput(s *sink) *Input {
	return &Input{
		s: s, feed: make(chan []*item), batches: map[*Batch]struct{}{},
		backoff: Backoff{Cap: s.RetryCap}, changed: make(chan struct{}),
	}
}

// Next implements common.Input.
func (in *Input) Next(ctx context.Context) (*Batch, error) {
	in.s.begin()
	if in.untried() {
		in.s.Metrics.Up(observe.System)
	}
	feed := in.feed
	for {
		if in.s.alive.Err() != nil {
			return nil, io.EOF
		}
		b, wait, changed := in.take(feed == nil)
		if b != nil {
			in.s.Metrics.Batch(len(b.Records))
			return b, nil
		}
		if wait == 0 {
			return nil, io.EOF
		}
		timer := time.NewTimer(wait)
		select {
		case items, ok := <-feed:
			if !ok {
				feed = nil
			}
			in.mu.Lock()
			in.leftover = append(in.leftover, items...)
			in.mu.Unlock()
		case <-changed:
		case <-timer.C:
		case <-in.s.alive.Done():
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
		timer.Stop()
	}
}

// untried reports whether nothing waits to be tried again.
func (in *Input) untried() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.again) == 0
}

// forever is how long Next waits where only an event can help.
const forever = 24 * time.Hour

// take makes a batch of what is at hand. Without one it returns how long to wait, 0 for the end, and a channel that is
// closed when something changes.
func (in *Input) take(ended bool) (*Batch, time.Duration, <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := in.s.BatchSize
	if in.s.MaxRecords > 0 {
		n = min(n, in.s.MaxRecords-in.delivered-in.outside)
	}
	queue := &in.again
	switch {
	case n <= 0 && in.outside > 0: // enough is on its way
		return nil, forever, in.changed
	case n <= 0:
		return nil, 0, nil
	case len(in.again) > 0:
		if wait := time.Until(in.notBefore); wait > 0 {
			return nil, wait, in.changed
		}
	case len(in.leftover) > 0:
		queue = &in.leftover
	case ended && in.outside == 0:
		return nil, 0, nil
	default:
		return nil, forever, in.changed
	}
	n = min(n, len(*queue))
	if queue == &in.again {
		in.s.Metrics.Retried(n)
	}
	b := newBatch(slices.Clone((*queue)[:n]), in)
	*queue = (*queue)[n:]
	b.begun = in.s.Metrics.Start()
	in.batches[b] = struct{}{}
	in.outside += n
	return b, 0, nil
}

// room waits until something new may be read, and returns how many messages at the most; 0 when ctx has ended.
func (in *Input) room(ctx context.Context) int {
	for {
		in.mu.Lock()
		room, changed := in.s.MaxInFlight-in.open, in.changed
		if in.bytes >= in.s.MaxBytes {
			room = 0
		}
		in.mu.Unlock()
		if room > 0 {
			return min(room, in.s.readSize())
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0
		}
	}
}

// done implements settler.
func (in *Input) done(items []*item) {
	if m := in.s.Metrics; m != nil { // first: what is acknowledged is forgotten
		m.Delivered(len(items), size(items))
		m.Up(observe.System)
	}
	in.mu.Lock()
	in.delivered += len(items)
	if len(in.again) == 0 {
		in.backoff.Reset()
	}
	acknowledged := in.settle(items)
	in.mu.Unlock()
	in.s.acknowledge(acknowledged)
	in.s.delivered(len(items))
}

// size is the number of bytes in items.
func size(items []*item) (bytes int64) {
	for _, it := range items {
		bytes += int64(it.rec.Size())
	}
	return bytes
}

// closed implements settler.
func (in *Input) closed(b *Batch) {
	in.s.Metrics.Latency(b.begun)
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.batches, b)
}

// settle marks items that were handed out as done and returns the messages that are complete. The mutex is held.
func (in *Input) settle(items []*item) (complete []*parent) {
	in.outside -= len(items)
	for _, it := range items {
		if it.parent.open--; it.parent.open == 0 {
			complete = append(complete, it.parent)
			in.open--
			in.bytes -= it.parent.size
		}
	}
	in.change()
	return complete
}

// failed implements settler.
func (in *Input) failed(it *item, err error) {
	if IsPermanent(err) {
		in.decide(it, "write", err)
		return
	}
	in.mu.Lock()
	wait := time.Until(in.notBefore) // with what failed before it
	first := len(in.again) == 0
	if first {
		wait = in.backoff.Next()
	}
	wait = waitFor(err, wait)
	if until := time.Now().Add(wait); until.After(in.notBefore) {
		in.notBefore = until
	}
	in.outside--
	in.queue([]*item{it})
	in.mu.Unlock()
	in.s.Metrics.Down(observe.System, err)
	if first {
		in.s.Log.Warn("write failed, trying again", "wait", wait, "error", err)
	}
	if in.s.trouble(err, wait) {
		in.s.fail(err)
	}
}

// decide leaves an item that was handed out, or could not be, to the error policy.
func (in *Input) decide(it *item, step string, cause error) {
	in.s.policy.apply(it.parent.message.Record, step, cause, func(err error) {
		if err != nil {
			in.s.fail(err)
			return
		}
		in.mu.Lock()
		acknowledged := in.settle([]*item{it})
		quiet := in.quiet()
		in.mu.Unlock()
		in.s.acknowledge(acknowledged)
		if quiet {
			in.s.relieve()
		}
	})
}

// quiet reports whether nothing is being delivered, or waits to be tried again, so that no trouble is left. The mutex is held.
func (in *Input) quiet() bool { return in.outside == 0 && len(in.again) == 0 }

// queue puts items among those to be delivered again, in the order in which the topic gave them. The mutex is held.
func (in *Input) queue(items []*item) {
	in.again = append(in.again, items...)
	slices.SortFunc(in.again, func(a, b *item) int { return cmp.Compare(a.sequence, b.sequence) })
	in.change()
}

// endSession takes back what the session left unsettled and reports how many records that were.
func (in *Input) endSession() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	var rest []*item
	for b := range in.batches {
		rest = append(rest, b.take()...)
	}
	clear(in.batches)
	in.outside -= len(rest)
	if len(rest) > 0 {
		in.queue(rest)
	}
	return len(rest)
}

// change wakes whoever waits. The mutex is held.
func (in *Input) change() {
	close(in.changed)
	in.changed = make(chan struct{})
}

// pump reads the topic and applies the transforms until the topic ends or ctx does.
func (in *Input) pump(ctx context.Context) {
	defer close(in.feed)
	backoff := Backoff{Cap: in.s.RetryCap}
	for {
		room := in.room(ctx)
		if room == 0 {
			return
		}
		messages, err := in.s.Reader.Read(ctx, room, in.s.BatchWait)
		if len(messages) > 0 {
			if items := in.admit(ctx, messages); len(items) > 0 {
				select {
				case in.feed <- items:
				case <-ctx.Done():
					return
				}
			}
		}
		switch {
		case err == nil:
			in.s.Metrics.Up(observe.Broker)
		case errors.Is(err, io.EOF) || ctx.Err() != nil:
			return
		default:
			var broken *transport.Broken
			wait := backoff.Next()
			if errors.As(err, &broken) || in.s.trouble(err, wait) {
				in.s.fail(err)
				return
			}
			in.s.Metrics.Down(observe.Broker, err)
			in.s.Log.Warn("reading the topic failed, trying again", "wait", wait, "error", err)
			if Sleep(ctx, wait) != nil {
				return
			}
			continue
		}
		backoff.Reset()
	}
}

// admit turns messages into items. What the transforms drop is acknowledged here.
func (in *Input) admit(ctx context.Context, messages []transport.Message) []*item {
	in.keep(messages)
	parents := make([]parent, len(messages))
	if in.s.Chain.Len() == 0 {
		return in.admitAll(messages, parents)
	}
	var items []*item
	var dropped []*parent
	records := make([]record.Record, len(messages))
	for i := range messages {
		records[i] = messages[i].Record
	}
	outcomes := in.s.Chain.ApplyAll(ctx, records)
	if t := in.s.tracker; t != nil {
		for i := range parents {
			parents[i].slot = t.add("", "", true)
		}
		t.mark(parents[len(parents)-1].slot, in.s.Chain.State())
	}
	for i, outcome := range outcomes {
		m, p := &messages[i], &parents[i]
		p.message, p.size = m, int64(m.Record.Size())
		out, err := outcome.Records, outcome.Err
		switch {
		case err != nil && ctx.Err() != nil: // a stop interrupted the transforms
		case err != nil:
			p.open = 1
			in.mu.Lock()
			in.outside++ // the run does not end before the policy has settled it
			in.mu.Unlock()
			in.decide(&item{parent: p}, "transform", err)
		case len(out) == 0:
			dropped = append(dropped, p)
		default:
			p.open = len(out)
			for i := range out {
				in.items++
				items = append(items, &item{&out[i], p, in.items})
			}
		}
	}
	if len(dropped) > 0 {
		in.drop(dropped)
	}
	return items
}

// admitAll is admit where nothing is transformed: a few allocations for many messages.
func (in *Input) admitAll(messages []transport.Message, parents []parent) []*item {
	all, items := make([]item, len(messages)), make([]*item, len(messages))
	for i := range messages {
		in.items++
		parents[i] = parent{message: &messages[i], size: int64(messages[i].Record.Size()), open: 1}
		all[i] = item{&messages[i].Record, &parents[i], in.items}
		items[i] = &all[i]
	}
	return items
}

// keep notes that messages have come and are open.
func (in *Input) keep(messages []transport.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.open += len(messages)
	var bytes int64
	for i := range messages {
		rec := &messages[i].Record
		rec.Headers = observe.KeepTrace(rec.Headers)
		bytes += int64(rec.Size())
	}
	in.bytes += bytes
	in.s.Metrics.Received(len(messages), bytes)
}

// drop acknowledges messages of which nothing is left to deliver.
func (in *Input) drop(dropped []*parent) {
	in.s.Metrics.Filtered(len(dropped))
	in.mu.Lock()
	in.open -= len(dropped)
	for _, p := range dropped {
		in.bytes -= p.size
	}
	in.change()
	quiet := in.quiet()
	in.mu.Unlock()
	in.s.acknowledge(dropped)
	if quiet {
		in.s.relieve()
	}
}

// inFlight tells what of the topic is not acknowledged yet.
func (in *Input) inFlight() (messages int, bytes int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.open, in.bytes
}

// unfinished counts the messages that are still open. Closing the reader hands them back to the topic.
func (in *Input) unfinished() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.open
}
