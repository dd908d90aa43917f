package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/state"
)

// Limits bound what a pipeline does.
type Limits struct {
	Window          int           // records that the source may have unacknowledged
	MaxBytes        int64         // bytes of records that are unacknowledged
	RetryMaxWait    time.Duration // the longest wait before a child is started again
	StartTimeout    time.Duration // how long a side may fail before it has worked at all
	ShutdownTimeout time.Duration // the longest time to finish what is under way
	Once            bool          // one pass: then the start timeout holds at any time
}

// engine is what drive needs to join two children.
type engine struct {
	Limits
	source, sink link.Command
	store        state.Store
	letters      *letterFile // nil where dead letters are refused
	metrics      *observe.Metrics
	log          *slog.Logger
}

// run is one run of a pipeline.
type run struct {
	engine
	ledger       *ledger
	state        link.State // what is kept; the source's goroutine and, while it waits, its clerk's
	source, sink *side
	began        time.Time

	late atomic.Bool     // the children were killed because the time was up
	flow context.Context // ends when nothing more can be delivered
	stem context.CancelFunc

	mu      sync.Mutex
	moved   time.Time // when the number of settled records was last seen to have changed
	settled int64
}

// drive joins a source to a sink and blocks until the source is done and everything it sent is delivered, until ctx ends
// and what is under way is finished, or until a side fails for good, which is the error.
func (e engine) drive(ctx context.Context) error {
	r := &run{engine: e, began: time.Now()}
	r.ledger = newLedger(e.Window, e.MaxBytes, e.metrics)
	if err := r.load(ctx); err != nil {
		return err
	}
	r.flow, r.stem = context.WithCancel(context.WithoutCancel(ctx))
	defer r.stem()
	e.metrics.Up(observe.Broker) // there is none to be missed
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r.source = &side{r: r, name: sourceSide, part: observe.Session, command: e.commandOf(e.source), stopped: make(chan struct{})}
	r.sink = &side{r: r, name: sinkSide, part: observe.System, command: e.commandOf(e.sink), stopped: make(chan struct{})}
	sourceEnd, sinkEnd := make(chan error, 1), make(chan error, 1)
	go func() { sourceEnd <- r.source.supervise(hard, func() error { return r.sourceLife(hard) }) }()
	go func() { sinkEnd <- r.sink.supervise(hard, func() error { return r.sinkLife(hard) }) }()
	return r.await(ctx, cancel, sourceEnd, sinkEnd)
}

// commandOf gives a child as much time to end as the whole run has.
func (e engine) commandOf(c link.Command) link.Command {
	c.Grace = e.ShutdownTimeout
	return c
}

// lateBy is how much longer than the shutdown timeout children may take that keep to one of the same length.
const lateBy = 2 * time.Second

// await waits for the end of both sides and sees to it that one brings about the other's.
func (r *run) await(ctx context.Context, kill context.CancelFunc, sourceEnd, sinkEnd <-chan error) error {
	var timer *time.Timer
	hurry := func() {
		if timer == nil {
			timer = time.AfterFunc(r.ShutdownTimeout+lateBy, func() {
				r.late.Store(true)
				r.stem()
				kill()
			})
		}
	}
	defer func() {
		if timer != nil {
			timer.Stop()
		}
	}()

	asked := ctx.Done()
	var sourceErr, sinkErr error
	for ended := false; !ended; {
		select {
		case <-asked:
			asked = nil
			hurry()
			r.source.stop()
		case sinkErr = <-sinkEnd: // before the source: nothing that it sends can be delivered any more
			r.dismissSource()
			hurry()
			<-sourceEnd
			return r.conclude(sinkErr, sinkSide)
		case sourceErr = <-sourceEnd:
			ended = true
		}
	}
	if sourceErr != nil {
		hurry()
	}
	for {
		open, _, changed := r.ledger.state()
		if open == 0 {
			break
		}
		select {
		case <-asked:
			asked = nil
			hurry()
		case <-changed:
		case sinkErr = <-sinkEnd:
			if sourceErr != nil {
				return r.conclude(sourceErr, sourceSide)
			}
			if sinkErr == nil {
				sinkErr = fmt.Errorf("it ended before it had acknowledged %d records", open)
			}
			return r.conclude(sinkErr, sinkSide)
		}
	}
	hurry()
	r.sink.stop()
	sinkErr = <-sinkEnd
	if sourceErr != nil {
		return r.conclude(sourceErr, sourceSide)
	}
	return r.conclude(sinkErr, sinkSide)
}

// conclude words the error with which a side has ended the run.
func (r *run) conclude(err error, side string) error {
	open, _, _ := r.ledger.state()
	switch {
	case err == nil:
		return nil
	case r.late.Load() && open > 0:
		return fmt.Errorf("%d records were not acknowledged within the shutdown timeout of %s; they are sent again on the next start",
			open, r.ShutdownTimeout)
	case r.late.Load():
		return fmt.Errorf("the %s did not end within the shutdown timeout of %s", side, r.ShutdownTimeout)
	}
	return fmt.Errorf("the %s failed: %w", side, err)
}

// settleTime is how long a source may take to save what was delivered to a sink that is there no more.
const settleTime = time.Second

// dismissSource ends the source when there is no sink any more.
func (r *run) dismissSource() {
	r.stem()
	r.source.stop()
	time.AfterFunc(settleTime, r.source.hangUp)
}

// load reads the saved state.
func (r *run) load(ctx context.Context) error {
	saved, err := r.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load the saved position: %w", err)
	}
	if saved != nil {
		r.state = link.State(*saved)
	}
	return nil
}

// save keeps a state. It returns once the state is on disk.
func (r *run) save(s link.State) error {
	began := r.metrics.Start()
	err := r.store.Save(context.Background(), (*state.State)(&s))
	r.metrics.Saved(began, err)
	if err != nil {
		return fmt.Errorf("save the position: %w", err)
	}
	r.state = s
	return nil
}

// dead returns what keeps the dead letters of a side.
func (r *run) dead(side string) func([]record.Record) error {
	return func(recs []record.Record) error {
		if r.letters == nil {
			return errNoLetters
		}
		err := r.letters.append(side, recs)
		if err == nil {
			r.metrics.DeadLettered(len(recs))
		}
		return err
	}
}

// progress returns when a record was last seen to be settled, at the least when the run began.
func (r *run) progress() time.Time {
	_, settled, _ := r.ledger.state()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moved.IsZero() {
		r.moved = r.began
	}
	if settled != r.settled {
		r.settled, r.moved = settled, time.Now()
	}
	return r.moved
}

// sourceLife runs one source to its end.
func (r *run) sourceLife(hard context.Context) error {
	s := r.source
	p, err := connect(s.command, false, nil)
	if err != nil {
		return err
	}
	defer context.AfterFunc(hard, p.child.Kill)()
	p.put(link.Frame{Kind: link.Resume, State: r.state})
	p.put(link.Frame{Kind: link.Credit, Credit: r.Window})
	r.ledger.setSource(p)
	c := newClerk(p, r.save, r.dead(sourceSide))
	s.begin(p)
	var frames []frame
	err = p.read(func(lines []link.Line) error {
		var err error
		frames, err = r.fromSource(lines, frames[:0], c)
		r.ledger.add(frames)
		clear(frames)
		if err == nil {
			r.ledger.room(r.flow.Done())
		}
		return err
	})
	s.end()
	r.ledger.setSource(nil)
	c.close()
	return err
}

// fromSource takes lines of the source and appends the records among them to frames.
func (r *run) fromSource(lines []link.Line, frames []frame, c *clerk) ([]frame, error) {
	for _, line := range lines {
		if line.Torn || len(line.Data) == 0 {
			continue
		}
		if size, ok := link.ScanRecord(line.Data); ok {
			frames = append(frames, frame{line.Number, line.Data, size})
			continue
		}
		f, err := parse(line)
		if err != nil {
			return frames, err
		}
		switch f.Kind {
		case link.Rec:
			size := f.Record.Size()
			f.Attempt = 1
			data, err := link.AppendFrame(nil, &f)
			if err != nil { // longer than a line may be, once it is written our way
				return frames, &protocolError{fmt.Errorf("line %d of what it sends: %w", line.Number, err)}
			}
			frames = append(frames, frame{line.Number, data, size})
		case link.Save:
			c.keepState(line.Number, f.State)
		case link.Dead:
			c.keepLetter(line.Number, f.Record)
		case link.Status:
			r.source.noteStatus(&f)
		}
	}
	if len(frames) > 0 && !r.source.isReadyNow() {
		r.source.ready() // whatever it says, or does not say
	}
	return frames, nil
}

// sinkLife runs one sink to its end.
func (r *run) sinkLife(hard context.Context) error {
	s := r.sink
	p, err := connect(s.command, true, r.ledger.fill)
	if err != nil {
		return err
	}
	defer context.AfterFunc(hard, p.child.Kill)()
	r.ledger.setSink(p)
	c := newClerk(p, nil, r.dead(sinkSide))
	s.begin(p)
	err = p.read(func(lines []link.Line) error { return r.fromSink(lines, c) })
	s.end()
	r.ledger.setSink(nil)
	c.close()
	return err
}

// fromSink takes lines of the sink.
func (r *run) fromSink(lines []link.Line, c *clerk) error {
	for _, line := range lines {
		if line.Torn || len(line.Data) == 0 {
			continue
		}
		f, err := parse(line)
		if err != nil {
			return err
		}
		switch f.Kind {
		case link.Ack:
			r.ledger.ack(f.Lines)
		case link.Nack:
			if lost := r.ledger.nack(&f); lost > 0 {
				return &lostError{lost, connector.OneLine(f.Error)}
			}
		case link.Credit:
			r.ledger.grant(f.Credit)
			if !r.sink.isReadyNow() {
				r.sink.ready()
			}
		case link.Dead:
			c.keepLetter(line.Number, f.Record)
		case link.Status:
			r.sink.noteStatus(&f)
		case link.Rec, link.Save:
			return &protocolError{fmt.Errorf("line %d of what it sends: a sink sends no %s", line.Number, f.Kind)}
		}
	}
	return nil
}
