package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
	"github.com/patchbay-dev/patchbay/common/record"
)

func TestABucketGivesKeysAndDeletions(t *testing.T) {
	p := newPeer(t)
	ctx := natstest.Context(t)
	p.put("a", "1")
	p.put("b.c", "2")
	p.put("a", "3")
	if err := p.bucket.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	type change struct{ Key, Value, Op string }
	changes := func(args ...string) (all []change) {
		recs, _ := p.once(nil, append(args, "--bucket", "settings")...)
		for _, rec := range recs {
			if len(rec.Headers) > 0 {
				t.Errorf("headers %v", rec.Headers)
			}
			all = append(all, change{rec.Key, string(rec.Value), string(rec.Op)})
		}
		return all
	}
	gone := change{"a", "", string(record.Delete)}
	if diff := cmp.Diff([]change{{"a", "1", ""}, {"b.c", "2", ""}, {"a", "3", ""}, gone}, changes()); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]change{{"b.c", "2", ""}, gone}, changes("--deliver", "last-per-subject")); diff != "" {
		t.Errorf("the latest (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]change{{"b.c", "2", ""}}, changes("--keys", "b.*")); diff != "" {
		t.Errorf("some keys (-want +got):\n%s", diff)
	}
	if err := p.bucket.Purge(ctx, "b.c"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]change{{"b.c", "", string(record.Delete)}}, changes("--keys", "b.*")); diff != "" {
		t.Errorf("purged (-want +got):\n%s", diff)
	}
}

func TestAKeyThatExpiresIsADeletion(t *testing.T) {
	s := NATSSource{Bucket: "copy"}
	rec := s.record("$KV.origin.a.b", nats.Header{"Nats-Marker-Reason": {"MaxAge"}}, nil)
	if diff := cmp.Diff(common.Record{Key: "a.b", Op: record.Delete, Subject: "$KV.origin.a.b"}, rec); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
}
