package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/natsclient"
)

// Discover implements common.Discoverer: it finds the streams and buckets that the other options go with. A plain subject leaves
// no trace to be found by.
func (s *NATSSource) Discover(ctx context.Context) ([]common.Found, error) {
	conn, session, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	var all []common.Found
	streams := js.ListStreams(session, jetstream.WithStreamListSubject(s.Subject))
	for info := range streams.Info() {
		if options := s.options(info.Config); options != nil {
			all = append(all, common.Found{Name: info.Config.Name, Options: options})
		}
	}
	if err := streams.Err(); err != nil {
		return nil, fmt.Errorf("list the streams: %w", ended(session, err))
	}
	slices.SortFunc(all, func(a, b common.Found) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// options are what reads a stream or a bucket, nil if the options that are given read no such one.
func (s *NATSSource) options(c jetstream.StreamConfig) map[string]any {
	option, name, one := "stream", c.Name, *s
	bucket, isBucket := strings.CutPrefix(c.Name, natsclient.BucketStream)
	wanted, target := s.Stream, &one.Stream
	if isBucket {
		option, name, wanted, target = "bucket", bucket, s.Bucket, &one.Bucket
	}
	*target = name
	switch {
	case wanted != "" && wanted != name, one.Validate() != nil:
		return nil
	case c.Retention == jetstream.WorkQueuePolicy && s.Consumer == "": // open would refuse it
		return nil
	case strings.HasPrefix(c.Name, "OBJ_"), strings.HasPrefix(c.Name, "$"): // parts of files, and what the server keeps for itself
		return nil
	}
	return map[string]any{option: name}
}

var _ common.Discoverer = (*NATSSource)(nil)
