package common

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/internal/broker"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/options"
	"github.com/patchbay-dev/patchbay/internal/smartmodule"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transform"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
)

// A connector that holds little, as most do, is collected after 7 MB of garbage, and not after as much as it holds, which would cost
// a tenth more CPU time at full speed: ballast is memory that is never touched, so that it takes address space only, and that counts
// as held. What a connector holds goes up and down with what is in flight; half of that, where Go's own setting is all of it, comes
// on top, so that peaks are little higher than the rest however long it runs. GOGC in the environment wins.
const (
	ballast = 14 << 20
	garbage = 50 // percent of what is held, ballast included
)

// start runs the connector until it is done, fails for good, or ctx ends.
func (p *program) start(ctx context.Context, w world, r *resolved) error {
	if _, own := w.lookupEnv("GOGC"); !own {
		defer debug.SetGCPercent(debug.SetGCPercent(garbage))
	}
	defer runtime.KeepAlive(make([]byte, ballast))
	_, flags, err := p.bind(r.settings)
	if err != nil {
		return err
	}
	t, _, run, d, _ := flags.parts()
	name := p.instanceName(t)
	seen, err := p.watch(ctx, w, flags, name)
	if err != nil {
		return err
	}
	defer seen.close()
	log, metrics := seen.log, seen.metrics
	for _, note := range r.notes {
		log.Warn(note)
	}
	chain, err := openChain(ctx, w, r, t.Topic)
	if err != nil && ctx.Err() != nil {
		return nil // stopped before it began
	}
	if err != nil {
		return err
	}
	defer chain.Close()
	_, isSource := flags.(*sourceFlags)
	o := &opening{w: w, info: p.info, flags: flags, name: name, log: log, metrics: metrics, sources: isSource, keeps: chain.Keeps()}
	limits := limits(run, d)
	limits.StartBy = time.Now().Add(run.StartTimeout) // opening the topic counts too
	e, err := o.openPatiently(ctx, limits.StartBy, d.RetryMaxWait)
	if err != nil || e == nil {
		return err
	}
	defer e.Close()
	look, err := lookBack(chain, e)
	if err != nil {
		return err
	}
	if e.stop != nil {
		var stop context.CancelFunc
		ctx, stop = context.WithCancel(ctx)
		defer stop()
		go func() {
			select {
			case <-e.stop:
				stop()
			case <-ctx.Done():
			}
		}()
	}
	instance := delivery.Instance{Name: name, Connector: p.info.Name, Version: p.info.Version, Topic: t.Topic}
	failures := delivery.Failures{On: delivery.OnError(d.OnError), Dead: e.dead}
	log.Info("starting", "version", p.info.Version, "topic", t.Topic)
	if isSource {
		err = p.startSource(ctx, r, e, delivery.SourceConfig{
			Instance: instance, Limits: limits, Failures: failures,
			Chain: chain, LookBack: look, Log: log, Metrics: metrics, Status: e.status, Ordered: flags.(*sourceFlags).Order.Ordered,
		})
	} else {
		batch := flags.(*sinkFlags).Batch
		err = p.startSink(ctx, r, e, delivery.SinkConfig{
			Instance: instance, Limits: limits, Failures: failures,
			Chain: chain, LookBack: look, Log: log, Metrics: metrics, Status: e.status, BatchSize: batch.BatchSize, BatchWait: batch.BatchWait,
		})
	}
	if err == nil && e.broken != nil {
		err = e.broken() // what looked like a request to stop
	}
	var (
		mismatch *delivery.StateMismatch
		invalid  *options.Problem // that only the connector's Run could find
	)
	if errors.As(err, &mismatch) || errors.As(err, &invalid) {
		return &usageError{err}
	}
	return err
}

// openChain compiles the transforms and starts the SmartModules among them. A module that refuses its parameters is wrong
// usage, as an expression that does not compile is.
func openChain(ctx context.Context, w world, r *resolved, topic string) (*transform.Chain, error) {
	chain, err := transform.Compile(bare(r.steps), transform.Options{
		Topic: topic, ReadFile: w.readFile, ReadModule: w.readModule, Cache: smartmodule.CacheDir(), Initial: initial(r.settings),
	})
	if err == nil {
		if err = chain.Open(ctx); err != nil {
			err = errors.Join(err, chain.Close())
		}
	}
	if err != nil {
		return nil, &usageError{err}
	}
	return chain, nil
}

// lookBack returns what shows the topic's last records to the SmartModules that shall look back, nil where none shall.
func lookBack(chain *transform.Chain, e *endpoint) (func(ctx context.Context) error, error) {
	n := chain.LooksBack()
	switch {
	case n == 0:
		return nil, nil
	case e.recent == nil:
		return nil, &usageError{errors.New("lookback: only a topic on a NATS broker with JetStream keeps records to look back on; leave lookback out")}
	}
	return func(ctx context.Context) error {
		recs, err := e.recent(ctx, n)
		var config *transport.ConfigError
		switch {
		case err == nil:
			return Permanent(chain.LookBack(ctx, recs))
		case errors.As(err, &config):
			return Permanent(&usageError{err})
		}
		return err
	}, nil
}

func (p *program) startSource(ctx context.Context, r *resolved, e *endpoint, c delivery.SourceConfig) error {
	m, err := p.model(p.fresh())
	if err != nil {
		return err
	}
	c.Writer, c.Store, c.Waiting = e.writer, e.store, waiting(c.Metrics)
	c.Identity, c.Derive = identity(m, r.settings), p.info.Resumes && !p.info.PositionsRecur
	c.ScopeIDs = e.scopeIDs
	c.Session = func() (delivery.SourceSession, error) {
		own, _, err := p.bind(r.settings)
		if err != nil {
			return delivery.SourceSession{}, err
		}
		session := delivery.SourceSession{Run: func(ctx context.Context, out *delivery.Output) error { return own.(Source).Run(ctx, out) }}
		if committer, ok := own.(Committer); ok {
			session.Committed = committer.Committed
		}
		return session, nil
	}
	return delivery.RunSource(ctx, c)
}

// waiting tells those who watch what keeps a run from its start.
func waiting(m *observe.Metrics) func(holder *state.Holder) {
	return func(holder *state.Holder) {
		err := errors.New("starting")
		if holder != nil {
			err = &state.HeldError{Holder: *holder}
		}
		m.Down(observe.Session, err)
	}
}

func (p *program) startSink(ctx context.Context, r *resolved, e *endpoint, c delivery.SinkConfig) error {
	c.Reader, c.Store, c.Waiting = e.reader, e.store, waiting(c.Metrics)
	c.Session = func() (func(context.Context, *delivery.Input) error, error) {
		own, _, err := p.bind(r.settings)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, in *delivery.Input) error { return own.(Sink).Run(ctx, in) }, nil
	}
	return delivery.RunSink(ctx, c)
}

// instanceName is --name, else made of the connector and the topic.
func (p *program) instanceName(t *topicFlags) string {
	if t.Name != "" || t.Topic == "-" {
		if t.Name == "" {
			return p.info.Name
		}
		return t.Name
	}
	return p.info.Name + "-" + t.Topic
}

// openPatiently opens the topic, trying again until the start timeout has passed. It returns nil and no error when ctx ends.
func (o *opening) openPatiently(ctx context.Context, startBy time.Time, retryCap time.Duration) (*endpoint, error) {
	deadline, cancel := context.WithDeadline(ctx, startBy)
	defer cancel()
	backoff := delivery.Backoff{Cap: retryCap}
	for {
		e, err := o.open(deadline)
		if err == nil {
			o.metrics.Up(observe.Broker)
		}
		if err == nil || ctx.Err() != nil {
			return e, nil
		}
		o.metrics.Down(observe.Broker, err)
		wait := backoff.Next()
		var (
			unavailable *broker.UnavailableError // there is none and none can be started: waiting does not help
			usage       *usageError
			config      *transport.ConfigError
		)
		switch {
		case errors.As(err, &config):
			return nil, &usageError{err}
		case errors.As(err, &unavailable), errors.As(err, &usage), time.Now().Add(wait).After(startBy):
			return nil, err
		}
		o.log.Warn("cannot reach the topic, trying again", "wait", wait, "error", err)
		if delivery.Sleep(ctx, wait) != nil {
			return nil, nil
		}
	}
}

// check connects to the broker and to the system and says what works. It changes nothing.
func (p *program) check(ctx context.Context, w world, r *resolved) int {
	own, flags, err := p.bind(r.settings)
	if err != nil {
		return p.report(w, err)
	}
	t, _, run, _, _ := flags.parts()
	ctx, cancel := context.WithTimeout(ctx, run.StartTimeout)
	defer cancel()
	var failed []string
	tell := func(what string, err error) {
		if err != nil {
			failed = append(failed, what)
			fmt.Fprintf(w.stdout, "%s: %v\n", what, err)
			return
		}
		fmt.Fprintf(w.stdout, "%s: ok\n", what)
	}
	switch {
	case t.Topic == "-":
	case cloudevents.Serves(t.Broker):
		tell("broker", p.checkCloudEvents(ctx, flags))
	default:
		tell("broker", p.checkBroker(ctx, flags))
	}
	if c, ok := own.(Checker); ok {
		tell("system", c.Check(ctx))
	} else {
		fmt.Fprintln(w.stdout, "system: nothing to check")
	}
	if len(failed) > 0 {
		return p.report(w, fmt.Errorf("the check of %s failed", strings.Join(failed, " and ")))
	}
	return statusOK
}
