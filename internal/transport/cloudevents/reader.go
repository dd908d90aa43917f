package cloudevents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// Defaults of ReaderConfig.
const (
	DefaultMaxBytes    = 64 << 20
	DefaultMaxBody     = 16 << 20
	DefaultReadTimeout = 30 * time.Second
)

const (
	maxHeaders    = 64 << 10 // of one request, in bytes
	idleTimeout   = 2 * time.Minute
	answerTimeout = 10 * time.Second
	drainTimeout  = time.Second // for the last answers, on Close
	lull          = time.Millisecond
	readWait      = time.Second // for the first Read, after which a request is sent away
)

// ReaderConfig says where a Reader listens and how much it takes. Zero values mean the defaults.
type ReaderConfig struct {
	// URL is http+listen://HOST:PORT/PATH. {topic} in its path stands for Topic; with user information every request must log
	// in with it. Port 0 means any free port.
	URL string
	// Topic is the topic's name. It may be empty where the URL does not ask for it.
	Topic string
	// MaxInFlight and MaxBytes bound the records, and the bytes of requests, that were received and not settled. A request
	// beyond is answered with 429, unless it is the only one. A batch of more than MaxInFlight events is never taken.
	MaxInFlight int
	MaxBytes    int64
	// MaxBody bounds the body of one request, in bytes.
	MaxBody int64
	// ReadTimeout bounds the time that a request may take to arrive, not the time until its answer.
	ReadTimeout time.Duration
	// Logger hears, at the level debug, why requests are refused. Nil means nobody.
	Logger *slog.Logger
}

func (c *ReaderConfig) setDefaults() {
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = DefaultMaxInFlight
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.ReadTimeout <= 0 {
		c.ReadTimeout = DefaultReadTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// A Reader is the consuming end of a topic: an HTTP server that takes events. A request is answered with 2xx once all its
// records are acknowledged, and in any other case its sender has to send all of them again. When a sender leaves before the
// answer, records that nobody has read are dropped, since it will send them again, and Ack of the others returns an error.
// While there was no Read yet, because the caller has to wait for its turn, a sender is sent away after a second.
type Reader struct {
	cfg      ReaderConfig
	target   *target
	server   *http.Server
	listener net.Listener
	wake     chan struct{}  // something changed for Read
	closed   chan struct{}  // closed by Close
	serving  sync.WaitGroup // the loop that accepts connections
	conns    sync.WaitGroup // connections

	mu        sync.Mutex
	begun     bool       // there was a Read
	queue     []*request // with records that nobody has read
	receiving int        // requests that are being received
	records   int        // of requests that are received and not settled
	bytes     int64
	answering map[*request]struct{} // all acknowledged, the answer not yet sent
	broken    error                 // what Read returns when the queue is empty
}

// Listen opens the address and returns a Reader, which takes requests from then on. ctx bounds the opening only. The error is
// a ConfigError where the address is wrong; another one, such as a port in use, may go away.
func Listen(ctx context.Context, c ReaderConfig) (*Reader, error) {
	c.setDefaults()
	target, err := parseTarget(c.URL, c.Topic, true)
	if err != nil {
		return nil, err
	}
	listening := net.ListenConfig{KeepAliveConfig: keepAlive}
	listener, err := listening.Listen(ctx, "tcp", target.url.Host)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", target.shown, err)
	}
	r := &Reader{
		cfg: c, target: target, listener: listener, wake: make(chan struct{}, 1), closed: make(chan struct{}),
		answering: map[*request]struct{}{},
	}
	r.server = &http.Server{
		Handler: http.HandlerFunc(r.serve), ReadTimeout: c.ReadTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaders,
		ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				r.conns.Add(1)
			case http.StateClosed, http.StateHijacked:
				r.conns.Done()
			}
		},
	}
	r.serving.Go(func() {
		if err := r.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			r.stop(fmt.Errorf("listen at %s: %w", target.shown, err))
		}
	})
	return r, nil
}

// Address returns the host and port that the Reader listens on.
func (r *Reader) Address() string { return r.listener.Addr().String() }

// URL returns the address that senders post to, without user information.
func (r *Reader) URL() string { return "http://" + r.Address() + r.target.url.EscapedPath() }

// Read implements transport.Reader. After the first message it waits for more only while requests are arriving: the senders
// whose requests are here wait for their answers, so that a longer wait would bring nothing but delay.
func (r *Reader) Read(ctx context.Context, limit int, wait time.Duration) ([]transport.Message, error) {
	var out []transport.Message
	var over time.Time // set once there is something to return
	for {
		more, arriving, err := r.take(limit - len(out))
		out = append(out, more...)
		if len(out) == 0 && err != nil {
			return nil, err
		}
		if len(out) == 0 {
			select {
			case <-r.wake:
				continue
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		if over.IsZero() {
			over = time.Now().Add(wait)
		}
		rest := time.Until(over)
		if len(out) >= limit || rest <= 0 || err != nil {
			return out, nil
		}
		if !arriving {
			rest = min(rest, lull)
		}
		timer := time.NewTimer(rest)
		select {
		case <-r.wake:
			timer.Stop()
		case <-timer.C:
			return out, nil
		case <-ctx.Done():
			timer.Stop()
			return out, nil
		}
	}
}

// take returns up to n messages, and whether a request is just being received.
func (r *Reader) take(n int) (out []transport.Message, arriving bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = true
	for len(out) < n && len(r.queue) > 0 {
		q := r.queue[0]
		for len(out) < n && q.next < len(q.records) {
			out = append(out, r.message(q))
		}
		if q.next == len(q.records) {
			r.queue = r.queue[1:]
		}
	}
	return out, r.receiving > 0, r.broken
}

// isRead reports whether there was a Read.
func (r *Reader) isRead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}

// Flush implements transport.Reader: it waits for the answers to requests whose records are all acknowledged. What the
// others have acknowledged cannot be told to their senders yet.
func (r *Reader) Flush(ctx context.Context) error {
	r.mu.Lock()
	var answers []chan struct{}
	for q := range r.answering {
		answers = append(answers, q.answered)
	}
	r.mu.Unlock()
	for _, answered := range answers {
		select {
		case <-answered:
		case <-ctx.Done():
			return fmt.Errorf("answer at %s: %w", r.target.shown, context.Cause(ctx))
		}
	}
	return nil
}

// Close stops listening and answers every request that waits with 503, which takes a second at most.
func (r *Reader) Close() error {
	r.stop(fmt.Errorf("read %s: %w", r.target.shown, io.ErrClosedPipe))
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if r.server.Shutdown(ctx) != nil {
		_ = r.server.Close() // those who do not even read an answer
	}
	r.serving.Wait()
	r.conns.Wait()
	return nil
}

// stop makes every Read fail with err and wakes the requests. Only the first call does anything.
func (r *Reader) stop(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return
	}
	r.broken = &transport.Broken{Err: err}
	r.queue = nil
	close(r.closed)
	r.signal()
}

func (r *Reader) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// drop takes a request out of the queue. The lock is held.
func (r *Reader) drop(q *request) {
	if i := slices.Index(r.queue, q); i >= 0 {
		r.queue = slices.Delete(r.queue, i, i+1)
	}
}

var _ transport.Reader = (*Reader)(nil)
