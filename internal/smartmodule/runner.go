package smartmodule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Options are what a module runs with. The zero value is ready to use.
type Options struct {
	// Params are handed to the module's init.
	Params map[string]string
	// LookBack is nil for none. It needs a module that exports look_back.
	LookBack *LookBack
	// Accumulator is what an Aggregate begins with.
	Accumulator []byte
	Limits      Limits
	// Cache is the folder that keeps compiled code; empty for none. It is created where it is missing. One that is not the
	// user's own, or cannot be written, is not used.
	Cache string
}

// A Result is what became of one record.
type Result struct {
	// Out are the records that came of it, none if it was dropped. Of a Filter, Out says only whether there is one: the
	// record is kept as it was.
	Out []Output
	// Err is why the record could not be processed; then Out is empty.
	Err error
}

// An Output is a record that a module made. Value shares memory with other outputs of the same call.
type Output struct {
	Key   string
	Value []byte
}

// A Runner is a module at work, with the state that it has come to. It is safe for concurrent use, and does one thing at
// a time.
type Runner struct {
	module  *Module
	options Options
	host    *host

	mu          sync.Mutex
	instance    *instance // nil after one that failed, until the next record
	accumulator []byte    // of an Aggregate
	count       int64     // records that were given to the module, each once
	recent      []Input   // those to look back on
	alone       int       // how many of the next records go one at a time, since one of them broke a call
	unnumbered  bool      // the module does not say which record its outputs are of, so all go one at a time
	input       []byte    // kept for the next call
}

// Start compiles the module, makes an instance and calls its init. It takes a second or two where a large module is not in
// the cache, else milliseconds. Ctx ends the start, not the runner. The caller must call Close.
func (m *Module) Start(ctx context.Context, o Options) (*Runner, error) {
	if err := o.check(m); err != nil {
		return nil, err
	}
	o.Limits = o.Limits.withDefaults()
	h, err := newHost(ctx, m, o)
	if err != nil {
		return nil, err
	}
	r := &Runner{module: m, options: o, host: h, accumulator: o.Accumulator}
	if err := r.ready(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func (o Options) check(m *Module) error {
	for key, value := range o.Params {
		if len(key) > math.MaxUint16 || len(value) > math.MaxUint16 {
			return fmt.Errorf("a parameter is longer than %d bytes", math.MaxUint16)
		}
	}
	switch {
	case len(o.Params) > math.MaxUint16:
		return fmt.Errorf("there are more than %d parameters", math.MaxUint16)
	case o.LookBack != nil && !m.lookBack:
		return errors.New("it cannot look back: it does not export look_back")
	}
	return Supported()
}

// Close ends the module. Nothing may run meanwhile or afterwards.
func (r *Runner) Close() error {
	if r == nil {
		return nil
	}
	return r.host.close()
}

// MemorySize is how large the module's memory is now, in bytes.
func (r *Runner) MemorySize() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.instance == nil {
		return 0
	}
	return int64(r.instance.memory.Size())
}

// Accumulator returns what an Aggregate has come to. It must not be changed.
func (r *Runner) Accumulator() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.accumulator
}

// Restore makes an Aggregate go on from what it had come to at another time.
func (r *Runner) Restore(accumulator []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accumulator = accumulator
}

// LookBack shows a module that shall look back the last of some records, which went before those that it will be given. It
// blocks while the module works.
func (r *Runner) LookBack(ctx context.Context, records []Input) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	back := r.options.LookBack
	if back == nil || len(records) == 0 {
		return nil
	}
	r.settle(records[max(len(records)-back.Last, 0):])
	if r.instance == nil { // the next one is shown them
		return nil
	}
	return r.show(ctx, r.instance)
}

// show lets an instance look back.
func (r *Runner) show(ctx context.Context, i *instance) error {
	if recent := r.lookedBack(); len(recent) > 0 {
		return i.lookBack(ctx, appendInput(nil, r.count-int64(len(recent)), recent))
	}
	return nil
}

// Run transforms records, in their order, and returns a result for each. It blocks while the module works: for the time of
// a call at the most, for each record that breaks its bounds. A module that fails at a record is given the others
// nevertheless. The error is that of ctx, once it is done; records may have gone through the module then.
func (r *Runner) Run(ctx context.Context, records []Input) ([]Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	results := make([]Result, len(records))
	outs := make([]Output, 0, len(records)) // one piece of memory for the usual case, an output each
	for next := 0; next < len(records); {
		n := r.cut(records[next:])
		done, err := r.call(ctx, records[next:next+n], results[next:next+n], &outs)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("stopped: %w", context.Cause(ctx))
		}
		switch {
		case err == nil:
		case n == 1:
			results[next].Err = err
			done = 1
		default: // it is not known which one it was
			r.alone = n
		}
		r.settle(records[next : next+done])
		next += done
	}
	return results, nil
}

// cut returns how many of the next records go into one call.
func (r *Runner) cut(records []Input) int {
	if r.module.kind == ArrayMap || r.unnumbered || r.alone > 0 {
		return 1
	}
	bytes := 0
	for i := range records {
		in := &records[i]
		if bytes += len(in.Key) + len(in.Value); i > 0 && (i == batchRecords || bytes > batchBytes || !in.fits(&records[0])) {
			return i
		}
	}
	return len(records)
}

// settle notes that records have been through the module.
func (r *Runner) settle(done []Input) {
	r.alone = max(r.alone-len(done), 0)
	r.count += int64(len(done))
	if back := r.options.LookBack; back != nil {
		r.recent = append(r.recent, done...)
		r.recent = slices.Delete(r.recent, 0, max(len(r.recent)-back.Last, 0))
	}
}

// ready makes an instance where there is none: it is initialised, and shown what it shall look back on.
func (r *Runner) ready(ctx context.Context) error {
	if r.instance != nil {
		return nil
	}
	i, err := r.host.instantiate(ctx)
	if err != nil {
		return err
	}
	if r.module.init {
		err = i.initialise(ctx, appendParams(nil, r.options.Params, r.options.LookBack))
	}
	if err == nil {
		err = r.show(ctx, i)
	}
	if err != nil {
		return errors.Join(err, i.close())
	}
	r.instance = i
	return nil
}

// lookedBack returns the records to look back on.
func (r *Runner) lookedBack() []Input {
	back := r.options.LookBack
	if back == nil || back.Age == 0 {
		return r.recent
	}
	oldest := time.Now().Add(-back.Age)
	young := slices.IndexFunc(r.recent, func(in Input) bool { return in.Time.IsZero() || in.Time.After(oldest) })
	if young < 0 {
		return nil
	}
	return r.recent[young:]
}

// call gives records to the module and stores what becomes of them. It returns how many are dealt with: fewer than all if the
// module stopped at one of them. After an error it is none.
func (r *Runner) call(ctx context.Context, records []Input, results []Result, outs *[]Output) (int, error) {
	if err := r.ready(ctx); err != nil {
		return 0, err
	}
	r.input = appendInput(r.input[:0], r.count, records)
	if r.module.kind == Aggregate {
		r.input = appendBytes(r.input, r.accumulator)
	}
	done, err := r.transform(ctx, &reading{kind: r.module.kind, records: records, results: results, outs: outs, last: -1})
	if cap(r.input) > 2*batchBytes { // one large record is no reason to keep so much
		r.input = nil
	}
	if err != nil {
		clear(results)
		r.unnumbered = r.unnumbered || errors.Is(err, errStray)
	}
	var refused *refusal
	if err != nil && !errors.As(err, &refused) { // who knows what state it is in
		err = errors.Join(err, r.instance.close())
		r.instance = nil
	}
	return done, err
}

// transform has the instance transform r.input, reads its answer, and returns how many records are dealt with.
func (r *Runner) transform(ctx context.Context, reading *reading) (int, error) {
	var a answer
	if err := r.instance.transform(ctx, r.input, func(b []byte) (err error) {
		if r.module.kind != Filter {
			b = bytes.Clone(b) // outputs live on in it
		}
		a, err = decodeAnswer(b, r.module.kind == Aggregate, r.options.Limits.Records, reading.output)
		return err
	}); err != nil {
		return 0, err
	}
	done, err := reading.end(a.failure, r.count)
	if err == nil && a.accumulator != nil && reading.last >= 0 { // without an output it is that of no record
		r.accumulator = a.accumulator
	}
	return done, err
}
