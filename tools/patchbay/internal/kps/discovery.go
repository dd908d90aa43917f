package kps

import (
	"cmp"
	"context"
	"maps"
	"os"
	"reflect"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// discoveryAge is how long what connectors have found is good for: the platform asks often, and a connector may have to ask
// a system that is far away.
const discoveryAge = 30 * time.Second

// A discovery knows the streams that connectors find by themselves.
type discovery struct {
	desired *desired

	mu     sync.Mutex
	found  []*pb.Stream
	config map[string]any // with which they were found
	at     time.Time      // zero: never
	told   map[pb.StreamDirection]string
}

// A foundKey tells streams apart: a source and a sink may find things of one name.
type foundKey struct {
	direction pb.StreamDirection
	id        string
}

func (k foundKey) compare(other foundKey) int {
	return cmp.Or(cmp.Compare(k.id, other.id), cmp.Compare(k.direction, other.direction))
}

// streams returns what connectors find, asking them again when the last answer is old or the config another. It blocks for
// as long as they take, one caller after the other.
func (d *discovery) streams(ctx context.Context) map[foundKey]*pb.Stream {
	d.mu.Lock()
	defer d.mu.Unlock()
	config := d.desired.inUse()
	if d.at.IsZero() || time.Since(d.at) > discoveryAge || !reflect.DeepEqual(config, d.config) {
		d.ask(ctx, config)
	}
	all := map[foundKey]*pb.Stream{}
	for _, s := range d.found {
		all[foundKey{s.GetDirection(), s.GetId()}] = &pb.Stream{
			Id: s.GetId(), Discovered: true, Direction: s.GetDirection(), Metadata: &structpb.Struct{Fields: maps.Clone(s.GetMetadata().GetFields())},
		}
	}
	return all
}

// ask asks each connector that can be asked. What goes wrong is logged once; the platform is told of nothing, for it is the
// streams that it has asked for that matter. The mutex is held.
func (d *discovery) ask(ctx context.Context, config map[string]any) {
	found := []*pb.Stream{}
	told := map[pb.StreamDirection]string{}
	for direction, side := range d.desired.sides {
		if !side.program.Discovers() {
			continue
		}
		streams, err := d.askOne(ctx, direction, side, config)
		switch {
		case ctx.Err() != nil: // the caller has gone: what was found before may still be right
			return
		case err != nil:
			told[direction] = err.Error()
			if d.told[direction] != err.Error() {
				d.desired.log.Warn("the connector cannot say which streams there are", "error", err)
			}
		}
		found = append(found, streams...)
	}
	d.found, d.config, d.at, d.told = found, config, time.Now(), told
}

func (d *discovery) askOne(ctx context.Context, direction pb.StreamDirection, side *side, config map[string]any) ([]*pb.Stream, error) {
	options, err := side.resolve(nil, config)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(d.desired.folder, "discover-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	found, err := side.program.Discover(ctx, side.environment(options), folder, "discover", options)
	if err != nil {
		return nil, err
	}
	var streams []*pb.Stream
	for _, f := range found {
		metadata, err := structpb.NewStruct(f.Options)
		if err != nil {
			return nil, err
		}
		streams = append(streams, &pb.Stream{Id: connector.OneLine(f.Name), Direction: direction, Metadata: metadata})
	}
	return streams, nil
}
