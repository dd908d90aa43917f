package nats

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// pullExpiry is how long the server keeps a request that it has nothing for.
	pullExpiry = 30 * time.Second
	// heartbeat is how often the server shows that it still knows of a request.
	heartbeat = 2 * time.Second
	// pullTick is how often requests are looked after; silentTicks of them without a word mean that they are lost.
	pullTick    = heartbeat / 2
	silentTicks = 4
)

// A pull is a request for messages that the server has not done with. It does with them in the order in which they were made.
type pull struct {
	id       uint64
	messages int // that may still come
	bytes    int // likewise
	begun    bool
}

// pulls are the requests of a feed. The reader's mutex guards everything but the first three.
type pulls struct {
	inbox   string // the subject of answers, but for the number of the request
	sub     *natsgo.Subscription
	drained chan struct{} // closed once nothing comes any more
	open    []pull
	newest  uint64 // the number of the newest
	alone   bool   // what comes next is larger than a request may be, so it is asked for by itself
	silent  int    // ticks since the server was heard
}

// fetch begins to fetch, once there was a Read. What comes is bounded by the requests that are made, in messages and in bytes:
// the client library's own way to consume asks for more as soon as it has handed over what came, however much of that still
// waits here.
func (r *reader) fetch(f *feed) error {
	nc := r.conn.nc
	f.inbox, f.drained = nc.NewInbox()+".", make(chan struct{})
	sub, err := nc.Subscribe(f.inbox+"*", func(m *natsgo.Msg) { r.receive(f, m) })
	if err == nil {
		err = sub.SetPendingLimits(-1, -1) // the requests are the limit
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", r.conn.cfg.Topic, r.conn.explain(err))
	}
	sub.SetClosedHandler(func(string) { close(f.drained) })
	r.mu.Lock()
	f.sub = sub
	closed := r.closed // meanwhile, when there was nothing yet to drain
	r.ask()
	r.mu.Unlock()
	if closed {
		drain(sub)
	}
	return nil
}

// drain stops fetching, if it has begun. What the server has sent by the time it hears of that still comes.
func drain(sub *natsgo.Subscription) {
	_ = sub.Drain() // fails only if there is none, it has ended, or without a connection, and then nothing can come
}

// ask requests more once there is room for a quarter of what may be fetched ahead: for the rest, or for one message if that is
// too large to come otherwise. At half of it, a server that shares its cores with others runs dry while a request waits its turn;
// at an eighth, requests cost more than they save. Until the first Read it asks for nothing. The mutex is held.
func (r *reader) ask() {
	f := r.feed
	if !r.begun || f.sub == nil || r.closed || r.away || r.err != nil || len(r.late) > 0 {
		return
	}
	messages, bytes := r.opts.MaxInFlight-len(r.queue), r.opts.MaxBytes-r.waiting
	for _, p := range f.open {
		messages, bytes = messages-p.messages, bytes-p.bytes
	}
	if 4*messages < r.opts.MaxInFlight || 4*bytes < r.opts.MaxBytes {
		return
	}
	p := pull{messages: messages, bytes: bytes}
	if f.alone {
		p.messages = 1
	}
	cfg := f.consumer.CachedInfo().Config
	if most := cfg.MaxRequestBatch; most > 0 {
		p.messages = min(p.messages, most)
	}
	expires := pullExpiry
	if most := cfg.MaxRequestExpires; most > 0 {
		expires = min(expires, most)
	}
	question := struct {
		Expires   time.Duration `json:"expires"`
		Batch     int           `json:"batch"`
		MaxBytes  int           `json:"max_bytes,omitempty"`
		Heartbeat time.Duration `json:"idle_heartbeat,omitempty"`
	}{expires, p.messages, p.bytes, min(heartbeat, expires/2)}
	if most := cfg.MaxRequestMaxBytes; most > 0 {
		question.MaxBytes = min(question.MaxBytes, most)
	}
	if f.alone {
		question.MaxBytes = 0
	}
	text, _ := json.Marshal(question) // of numbers
	f.newest++
	p.id = f.newest
	info := f.consumer.CachedInfo()
	subject := "$JS.API.CONSUMER.MSG.NEXT." + info.Stream + "." + info.Name
	if err := r.conn.nc.PublishRequest(subject, f.inbox+strconv.FormatUint(p.id, 36), text); err != nil {
		return // not connected: once that is mended, all is asked anew
	}
	f.open, f.alone = append(f.open, p), false
}

// came takes a message off what is to come. The mutex is held.
func (f *feed) came(m *natsgo.Msg) {
	f.silent = 0
	if len(f.open) == 0 { // of a request that was taken for lost
		return
	}
	p := &f.open[0]
	p.begun, p.messages, p.bytes = true, p.messages-1, max(0, p.bytes-m.Size())
	if p.messages == 0 {
		f.open = f.open[1:]
	}
}

// word hears what the server says of a request instead of a message.
func (r *reader) word(f *feed, m *natsgo.Msg) {
	status, text := m.Header.Get("Status"), strings.ToLower(m.Header.Get("Description"))
	id, _ := strconv.ParseUint(strings.TrimPrefix(m.Subject, f.inbox), 36, 64)
	r.mu.Lock()
	f.silent = 0
	if status == "100" { // a heartbeat
		r.mu.Unlock()
		return
	}
	begun := true
	for len(f.open) > 0 && f.open[0].id <= id {
		begun = f.open[0].begun
		f.open = f.open[1:]
	}
	again := f == r.feed
	var failed error
	switch {
	case status == "404", status == "408", strings.Contains(text, "batch completed"):
	case strings.Contains(text, "message size exceeds maxbytes"):
		f.alone = !begun
	case status == "503":
		failed = fmt.Errorf("neither the consumer nor a stream answers: %w", natsgo.ErrNoResponders)
	case status == "400":
		failed = fmt.Errorf("%w: %s", jetstream.ErrBadRequest, text)
	case strings.Contains(text, "consumer deleted"):
		failed = jetstream.ErrConsumerDeleted
	case strings.Contains(text, "leadership change"): // the next leader knows nothing of what was asked
		f.open = nil
	case strings.Contains(text, "server shutdown"): // there may be another one at the next tick
		again = false
	default: // its limits are others than when it was opened, say
		failed = fmt.Errorf("the consumer answers %s: %s", status, text)
	}
	if failed == nil && again {
		r.ask()
	}
	r.mu.Unlock()
	if failed != nil {
		r.consumeFailed(f, fmt.Errorf("read %s: %w", r.conn.cfg.Topic, failed))
	}
}

// attend looks after the requests until the reader is closed: those that a server took along are made again.
func (r *reader) attend(changed chan natsgo.Status) {
	nc := r.conn.nc
	defer nc.RemoveStatusListener(changed)
	closed := nc.IsClosed() // before we listened; later it may be busy with a peer that says nothing, and not answer
	ticker := time.NewTicker(pullTick)
	defer ticker.Stop()
	for away := false; ; {
		if closed {
			r.consumeFailed(nil, fmt.Errorf("read %s: %w", r.conn.cfg.Topic, natsgo.ErrConnectionClosed))
		}
		lost := false
		select {
		case <-ticker.C:
			away = away && r.conn.Healthy() != nil // that it is back may have been one word too many to be heard
		case status := <-changed:
			away, lost, closed = status != natsgo.CONNECTED, true, closed || status == natsgo.CLOSED
		case <-r.done:
			return
		}
		r.look(away, lost)
	}
}

// look asks anew where the requests are lost, as they are for good when nothing was heard for some ticks: a server that
// has no room for one says nothing either. While the connection is away nobody asks: the client library may be busy with a
// peer that says nothing, and would not return.
func (r *reader) look(away, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.feed
	r.away = away
	if f.silent++; lost || f.silent > silentTicks {
		f.open, f.silent = nil, 0
	}
	r.ask()
}
