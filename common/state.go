package common

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/options"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// A shownState is what state show prints and state set reads.
type shownState struct {
	Name            string            `json:"name,omitempty"`
	Connector       string            `json:"connector,omitempty"`
	Identity        string            `json:"identity,omitempty"`
	Epoch           string            `json:"epoch,omitempty"`
	Positions       map[string]string `json:"positions"`
	PositionsBase64 map[string]string `json:"positions_base64,omitempty"` // those that are no text, with their partitions
	// Aggregates are what transforms had come to at these positions.
	Aggregates       map[string]string `json:"aggregates,omitempty"`
	AggregatesBase64 map[string]string `json:"aggregates_base64,omitempty"`
	State            string            `json:"state,omitempty"` // where it is
	Written          *time.Time        `json:"written,omitempty"`
	Holder           *shownHolder      `json:"holder,omitempty"`
}

// A shownHolder is the process that uses the state. One that is not alive was killed, and its lease ends by itself.
type shownHolder struct {
	state.Holder
	Alive bool `json:"alive"`
}

// state shows or changes the saved position. It takes the command line of a run, and needs of it only what says where the
// position is kept.
func (p *program) state(ctx context.Context, w world, m *options.Model, line *options.Line, problems []*options.Problem) int {
	r, _, more := p.gather(w, m, line)
	where, _ := r.settings["state"].Value.(string)
	inFile := strings.HasPrefix(where, "file:")
	problems = append(problems, slices.DeleteFunc(more, func(problem *options.Problem) bool {
		o := m.Option(problem.Option)
		_, given := line.Given[problem.Option]
		return o != nil && (!o.Shared || o.Name == "topic" && inFile && !given)
	})...)
	if len(problems) > 0 {
		return p.refuse(w, problems)
	}
	if len(line.Command) < 2 {
		return p.report(w, &usageError{errors.New("state: say which: state show, state set or state reset")})
	}
	_, flags, err := p.bind(r.settings)
	if err != nil {
		return p.report(w, err)
	}
	t, _, run, _, l := flags.parts()
	o := &opening{
		w: w, info: p.info, flags: flags, name: p.instanceName(t), sources: true,
		log: observe.NewLogger(w.stderr, l.LogLevel, l.LogFormat).With("connector", p.info.Name),
	}
	if inFile && t.Topic == "" {
		o.name = t.Name // nothing tells more
	}
	ctx, cancel := context.WithTimeout(ctx, run.StartTimeout)
	defer cancel()
	store, done, err := o.stateStore(ctx)
	if err != nil {
		return p.report(w, err)
	}
	defer done()
	c := stateCommand{opening: o, store: store, line: line, within: run.StartTimeout}
	switch line.Command[1] {
	case "show":
		err = c.show(ctx)
	case "set":
		err = c.change(ctx, c.set)
	case "reset":
		err = c.change(ctx, c.reset)
	}
	return p.report(w, err)
}

// stateStore opens the state that a run with the same flags uses. done closes it.
func (o *opening) stateStore(ctx context.Context) (store state.Leased, done func(), err error) {
	t, _, _, _, _ := o.flags.parts()
	path, inFile := strings.CutPrefix(saving(o.flags), "file:")
	bucket, inBucket := o.bucket()
	overHTTP := cloudevents.Serves(t.Broker)
	switch {
	case inFile:
	case !inBucket, t.Topic == "-", overHTTP && bucket != "":
		return nil, nil, &usageError{errors.New("no position is kept with these flags; give --state, or --topic, as the run does")}
	case overHTTP:
		if path, err = o.stateFile(); err != nil {
			return nil, nil, err
		}
	default:
		return o.stateBucket(ctx, bucket)
	}
	file := state.NewFile(path)
	return file, func() { _ = file.Close() }, nil
}

func (o *opening) stateBucket(ctx context.Context, bucket string) (state.Leased, func(), error) {
	t, _, _, _, _ := o.flags.parts()
	access, stream := connection(o.flags)
	conn, err := nats.Connect(ctx, nats.Config{
		URL: t.Broker, Topic: t.Topic, Name: o.name, Connector: o.info.Name, Logger: o.log,
		Access: access.access(), Stream: stream.stream(), // state set may make the bucket that the run will use
	})
	if err == nil {
		var store state.Leased
		if store, err = conn.Store(ctx, bucket, o.name); err == nil {
			return store, func() { _ = store.Close(); conn.Close() }, nil
		}
		conn.Close()
	}
	var config *transport.ConfigError
	if errors.As(err, &config) {
		err = &usageError{err}
	}
	return nil, nil, err
}

// A stateCommand is one of state show, set and reset.
type stateCommand struct {
	*opening
	store  state.Leased
	line   *options.Line
	within time.Duration
}

// show prints what is saved, and changes nothing.
func (c *stateCommand) show(ctx context.Context) error {
	saved, err := c.store.Load(ctx)
	if err != nil {
		return c.advise(err)
	}
	info, err := c.store.Inspect(ctx)
	if err != nil {
		return err
	}
	if saved == nil {
		saved, info.Written = &state.State{}, time.Time{}
	}
	return c.print(saved, info)
}

// advise adds to an error what can be done about it.
func (c *stateCommand) advise(err error) error {
	if errors.Is(err, state.ErrDamaged) || errors.Is(err, state.ErrVersion) {
		return fmt.Errorf("%w; %s state reset, with the same flags, starts over", err, c.info.Name)
	}
	return err
}

// change loads the state, lets f change it, and saves it with another epoch, while no other process uses it.
func (c *stateCommand) change(ctx context.Context, f func(saved *state.State, loaded error) (*state.State, error)) error {
	err := state.Acquire(ctx, c.store, c.within, nil, state.IfDead)
	var held *state.HeldError
	if errors.As(err, &held) {
		return fmt.Errorf("%w; stop it first", err)
	}
	if err != nil {
		return err
	}
	saved, err := c.store.Load(ctx)
	if saved == nil {
		saved = &state.State{}
	}
	if saved.Connector != "" && saved.Connector != c.info.Name {
		return fmt.Errorf("the saved position of %q belongs to %s", c.name, saved.Connector)
	}
	changed, err := f(saved, err)
	if err != nil {
		return c.advise(err)
	}
	changed.Connector, changed.Epoch = c.info.Name, state.NewEpoch()
	if err := c.store.Save(ctx, changed); err != nil {
		return err
	}
	return c.print(changed, state.Info{})
}

// set sets positions, or replaces all by a document.
func (c *stateCommand) set(saved *state.State, loaded error) (*state.State, error) {
	if loaded != nil {
		return nil, loaded
	}
	words := c.line.Given["PARTITION=POSITION"]
	if slices.Equal(words, []string{"-"}) {
		return c.read()
	}
	if len(words) == 0 {
		return nil, &usageError{errors.New("state set needs PARTITION=POSITION, or - to read a document")}
	}
	positions := maps.Clone(saved.Positions)
	if positions == nil {
		positions = map[string]string{}
	}
	for _, word := range words {
		partition, position, ok := strings.Cut(word, "=")
		if !ok || position == "" {
			return nil, &usageError{fmt.Errorf("state set: %q is not PARTITION=POSITION; the only partition of many sources is "+
				"empty, as in =POSITION", word)}
		}
		positions[partition] = position
	}
	saved.Positions = positions
	return saved, nil
}

// maxState is the largest document that state set reads.
const maxState = 64 << 20

// read reads a document as show prints it.
func (c *stateCommand) read() (*state.State, error) {
	var doc shownState
	decoder := json.NewDecoder(io.LimitReader(c.w.stdin, maxState))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&doc)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the document")
		}
	}
	switch {
	case err != nil:
	case doc.Connector != "" && doc.Connector != c.info.Name:
		err = fmt.Errorf("the document is for %s", doc.Connector)
	case doc.Positions == nil:
		err = errors.New("the document has no positions")
	default:
		if doc.Positions, err = state.JoinPositions(doc.Positions, doc.PositionsBase64); err == nil {
			doc.Aggregates, err = state.JoinPositions(doc.Aggregates, doc.AggregatesBase64)
		}
	}
	if err != nil {
		return nil, &usageError{fmt.Errorf("state set: read standard input: %w", err)}
	}
	return &state.State{Identity: doc.Identity, Positions: doc.Positions, Aggregates: doc.Aggregates}, nil
}

// reset forgets some partitions, or everything, whatever its condition.
func (c *stateCommand) reset(saved *state.State, loaded error) (*state.State, error) {
	partitions := c.line.Given["PARTITION"]
	if len(partitions) == 0 {
		if loaded != nil && !errors.Is(loaded, state.ErrDamaged) && !errors.Is(loaded, state.ErrVersion) {
			return nil, loaded
		}
		return &state.State{Positions: map[string]string{}}, nil
	}
	if loaded != nil {
		return nil, loaded
	}
	for _, partition := range partitions {
		if _, ok := saved.Positions[partition]; !ok {
			return nil, fmt.Errorf("no position is saved for the partition %q; state show lists those that are", partition)
		}
		delete(saved.Positions, partition)
	}
	return saved, nil
}

// print writes a state as JSON.
func (c *stateCommand) print(s *state.State, info state.Info) error {
	doc := shownState{Name: c.name, Connector: s.Connector, Identity: s.Identity, Epoch: s.Epoch, State: c.store.Where()}
	doc.Positions, doc.PositionsBase64 = state.SplitPositions(s.Positions)
	doc.Aggregates, doc.AggregatesBase64 = state.SplitPositions(s.Aggregates)
	if doc.Positions == nil {
		doc.Positions = map[string]string{}
	}
	if !info.Written.IsZero() {
		written := info.Written.UTC().Truncate(time.Second)
		doc.Written = &written
	}
	if info.Held != nil {
		doc.Holder = &shownHolder{info.Held.Holder, info.Held.Alive}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(doc); err != nil {
		return err
	}
	_, err := c.w.stdout.Write(b.Bytes())
	return err
}
