package nats

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

const (
	// duplicateWindow is how long a stream made here remembers message ids.
	duplicateWindow = 2 * time.Minute
	// minMaxAge is the shortest age that servers accept.
	minMaxAge = 100 * time.Millisecond
)

// StreamOptions say what a stream is made like. They change nothing about one that is there. The zero value keeps everything
// for ever, on one server.
type StreamOptions struct {
	// Replicas is how many servers of a cluster keep each record. 0 means 1.
	Replicas int
	// MaxAge is how long a record is kept. 0 means for ever.
	MaxAge time.Duration
	// MaxBytes bounds the stream; while it is full, writes fail and nothing that is in it is dropped. 0 means no bound.
	MaxBytes int64
	// Retention is "limits", the default: what the limits allow is kept; "workqueue": what its one group has acknowledged is
	// removed; or "interest": what every group that there is has acknowledged is removed, and with no group nothing is kept.
	Retention string
}

var retentions = map[string]jetstream.RetentionPolicy{
	"": jetstream.LimitsPolicy, "limits": jetstream.LimitsPolicy, "workqueue": jetstream.WorkQueuePolicy,
	"interest": jetstream.InterestPolicy,
}

// Check returns a ConfigError for what no server would make.
func (o StreamOptions) Check() error {
	switch {
	case o.MaxAge < 0 || o.MaxAge > 0 && o.MaxAge < minMaxAge:
		return transport.Misconfigured("records are kept for %v at the least, not %v; 0s means for ever", minMaxAge, o.MaxAge)
	case o.MaxBytes < 0:
		return transport.Misconfigured("a stream cannot be bounded to %d bytes; 0 means no bound", o.MaxBytes)
	}
	if _, ok := retentions[o.Retention]; !ok {
		return transport.Misconfigured("retention %q is not known: say limits, workqueue or interest", o.Retention)
	}
	return nil
}

// CheckAt returns a ConfigError for what a list of servers, as it is written, can never have.
func (o StreamOptions) CheckAt(list string) error {
	target, err := parseTarget(list)
	limited := o.MaxAge != 0 || o.MaxBytes != 0 || o.Retention != "" && o.Retention != "limits"
	switch {
	case err != nil:
		return err
	case target.core && (limited || o.Replicas > 1):
		return transport.Misconfigured("plain subjects keep nothing, so there are no replicas, limits or retention to choose")
	case target.local && o.Replicas > 1:
		return transport.Misconfigured("the local broker is one server, which keeps one replica: name a cluster with --broker")
	}
	return nil
}

// config is how a stream is made: on disk, and refusing new records while it is full, which holds the sources back, instead
// of dropping old ones that a sink may not have read.
func (o StreamOptions) config(name, topic, connector string) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name:        name,
		Description: "Topic " + topic + ", made by Patchbay for " + connector,
		Subjects:    []string{topic},
		Storage:     jetstream.FileStorage,
		Retention:   retentions[o.Retention],
		Replicas:    max(1, o.Replicas),
		Discard:     jetstream.DiscardNew,
		MaxAge:      o.MaxAge,
		MaxMsgs:     -1,
		MaxBytes:    -1,
		Duplicates:  duplicateWindow,
		AllowDirect: true,
	}
	if o.MaxBytes > 0 {
		c.MaxBytes = o.MaxBytes
	}
	if o.MaxAge > 0 {
		c.Duplicates = min(duplicateWindow, o.MaxAge) // the server takes no more
	}
	return c
}

// differences tells in what a stream is not what the options ask for. What they leave at its default was not asked for.
func (o StreamOptions) differences(c jetstream.StreamConfig) []string {
	var out []string
	if o.Replicas > 1 && c.Replicas != o.Replicas {
		out = append(out, fmt.Sprintf("replicas %d", c.Replicas))
	}
	if o.MaxAge > 0 && c.MaxAge != o.MaxAge {
		out = append(out, fmt.Sprintf("max age %v", c.MaxAge))
	}
	if o.MaxBytes > 0 && c.MaxBytes != o.MaxBytes {
		out = append(out, fmt.Sprintf("max bytes %d", c.MaxBytes))
	}
	if want := retentions[o.Retention]; want != jetstream.LimitsPolicy && c.Retention != want {
		out = append(out, fmt.Sprintf("retention %v", c.Retention))
	}
	return out
}

// errCodeNotClustered is the server's code where it is alone; the client library has no name for it.
const errCodeNotClustered jetstream.ErrorCode = 10074

// refused returns a ConfigError if the server says that it can never make such a stream, else nil.
func (o StreamOptions) refused(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == errCodeNotClustered {
		return transport.Misconfigured("%d replicas need a cluster, and this server is alone: %w", o.Replicas, err)
	}
	return nil
}
