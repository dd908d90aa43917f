package kps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// surroundings are what all streams share.
type surroundings struct {
	folder          string // for config files, which are of no use to the next start
	state           string // folder that keeps positions
	broker          string // as package nats takes it
	natsName        string
	shutdownTimeout time.Duration
	log             *slog.Logger
	lines           func(stream string) func(line string) // takes what the connector of a stream logs
	events          *events
	counters        *counters
}

// A desired is the state that the platform wants, and the streams that are there for it.
type desired struct {
	surroundings
	sides map[pb.StreamDirection]*side

	setting sync.Mutex // held by whoever changes something, over all of it
	mu      sync.Mutex
	config  map[string]any
	streams map[string]*stream
	ending  map[string]<-chan struct{} // by name: closed when a stream that is gone has stopped
	closed  bool
}

// errClosed is what a change gets that comes too late.
var errClosed = errors.New("the connector is stopping")

// set merges config, which may be nil, and makes specs the whole set of streams, if they are meant. Before it changes
// anything it asks the connectors of running streams whether they accept the config. It blocks for that, and not until
// streams have started or stopped.
func (d *desired) set(ctx context.Context, config map[string]any, specs []*pb.Stream, replace bool) error {
	d.setting.Lock()
	defer d.setting.Unlock()
	merged, err := d.merge(config)
	if err != nil {
		return err
	}
	if !replace {
		specs = d.specs()
	}
	if err := d.tryConfig(ctx, merged, specs); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return errClosed
	}
	d.config = merged
	wanted := map[string]*pb.Stream{}
	for _, spec := range specs {
		wanted[spec.GetId()] = spec
	}
	for id, s := range d.streams {
		spec := wanted[id]
		if spec == nil || spec.GetDirection() != s.spec.GetDirection() || spec.GetTransportChannel() != s.spec.GetTransportChannel() {
			d.remove(s)
		}
	}
	for _, spec := range specs {
		d.want(spec)
	}
	return nil
}

// merge returns the config with changes: null takes a key out. A key that no connector has as an option of this class is an
// error.
func (d *desired) merge(changes map[string]any) (map[string]any, error) {
	d.mu.Lock()
	merged := maps.Clone(d.config)
	d.mu.Unlock()
	if merged == nil {
		merged = map[string]any{}
	}
	var names []string
	for _, s := range d.sides {
		for name, o := range s.program.Options {
			if class(o) == configClass {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		name := flagName(key)
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("config: %s can not be changed at run time; what can: %v", connector.OneLine(key), slices.Compact(names))
		}
		if changes[key] == nil {
			delete(merged, name)
		} else {
			merged[name] = changes[key]
		}
	}
	return merged, nil
}

// tryConfig asks connectors about a new config, in the name of each stream that has been accepted without it and is wanted as
// it is.
func (d *desired) tryConfig(ctx context.Context, config map[string]any, specs []*pb.Stream) error {
	if reflect.DeepEqual(config, d.inUse()) {
		return nil
	}
	folder, err := os.MkdirTemp(d.folder, "try-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	for _, spec := range specs {
		s := d.stream(spec.GetId())
		if s == nil || !proto.Equal(s.spec, spec) {
			continue
		}
		_, before, refused := s.wanted()
		options, err := d.resolve(spec, config)
		if refused != nil || err != nil || reflect.DeepEqual(before, options) {
			continue // it has its own trouble, or none of this concerns it
		}
		path, err := s.side.program.Configure(ctx, s.side.environment(options), folder, s.name, options)
		if err == nil {
			err = os.Remove(path)
		} else if _, own := s.side.program.Configure(ctx, s.side.environment(before), folder, s.name, before); own != nil {
			continue
		}
		if err != nil {
			return fmt.Errorf("config, for the stream %s: %w", connector.OneLine(spec.GetId()), err)
		}
	}
	return nil
}

// resolve returns the options of a stream, or a *connector.Refused.
func (d *desired) resolve(spec *pb.Stream, config map[string]any) (map[string]any, error) {
	side := d.sides[spec.GetDirection()]
	if side == nil {
		return nil, &connector.Refused{Problems: []string{
			"no connector here serves this direction: a source serves STREAM_DIRECTION_INGRESS, a sink STREAM_DIRECTION_EGRESS",
		}}
	}
	return side.resolve(plain(spec.GetMetadata().AsMap()), config)
}

// want starts a stream, or gives it its options where there is one already. The mutex is held.
func (d *desired) want(spec *pb.Stream) {
	id := spec.GetId()
	options, err := d.resolve(spec, d.config)
	if s := d.streams[id]; s != nil {
		s.spec = spec
		if _, before, refused := s.wanted(); !reflect.DeepEqual(before, options) || !reflect.DeepEqual(refused, err) {
			s.set(options, err)
		}
		return
	}
	name := instanceName(id)
	s := &stream{
		surroundings: &d.surroundings, id: id, subject: spec.GetTransportChannel(), name: name, spec: spec,
		egress: spec.GetDirection() == pb.StreamDirection_STREAM_DIRECTION_EGRESS, side: d.sides[spec.GetDirection()],
		log: d.log.With("stream", id), health: &health{stream: id, events: d.events},
		after: d.ending[name], done: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.set(options, err)
	d.streams[id] = s
	go s.run()
}

// remove has a stream stop, and forgets it. The mutex is held.
func (d *desired) remove(s *stream) {
	delete(d.streams, s.id)
	s.stop()
	d.ending[s.name] = s.done
	go func() {
		<-s.done
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.ending[s.name] == s.done {
			delete(d.ending, s.name)
		}
		if d.streams[s.id] == nil {
			d.events.forget(s.id)
		}
	}()
}

// close stops all streams, and blocks until they have finished what is under way.
func (d *desired) close() {
	d.mu.Lock()
	d.closed = true
	var all []<-chan struct{}
	for _, s := range d.streams {
		s.stop()
		all = append(all, s.done)
	}
	for _, done := range d.ending {
		all = append(all, done)
	}
	d.mu.Unlock()
	for _, done := range all {
		<-done
	}
}

func (d *desired) stream(id string) *stream {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.streams[id]
}

// inUse returns the config, which is not to be changed.
func (d *desired) inUse() map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config
}

// specs returns the streams as the platform gave them, sorted by id. They are not to be changed.
func (d *desired) specs() []*pb.Stream {
	d.mu.Lock()
	defer d.mu.Unlock()
	var specs []*pb.Stream
	for _, id := range slices.Sorted(maps.Keys(d.streams)) {
		specs = append(specs, d.streams[id].spec)
	}
	return specs
}

// statePath is the folder for the positions of a connector of the platform.
func statePath(folder, connectorID string) string {
	return filepath.Join(folder, instanceName(connectorID))
}
