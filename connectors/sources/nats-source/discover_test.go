package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
)

func TestStreamsAndBucketsAreFound(t *testing.T) {
	p := newPeer(t)
	for _, c := range []jetstream.StreamConfig{
		{Name: "BILLS", Subjects: []string{"bills.*"}},
		{Name: "JOBS", Subjects: []string{"jobs"}, Retention: jetstream.WorkQueuePolicy},
		{Name: "OBJ_files", Subjects: []string{"$O.files.C.>"}},
	} {
		if _, err := p.js.CreateStream(natstest.Context(t), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"all", nil, "BILLS=stream:BILLS KV_settings=bucket:settings ORDERS=stream:ORDERS"},
		{"one stream", []string{"--stream", "BILLS"}, "BILLS=stream:BILLS"},
		{"one bucket", []string{"--bucket", "settings"}, "KV_settings=bucket:settings"},
		{"none", []string{"--stream", "BOOKS"}, ""},
		{"those of a subject", []string{"--subject", "bills.paid"}, "BILLS=stream:BILLS"},
		{"those with keys", []string{"--keys", "a.>"}, "KV_settings=bucket:settings"},
		{"those that a consumer reads", []string{"--consumer", "x"}, "BILLS=stream:BILLS JOBS=stream:JOBS ORDERS=stream:ORDERS"},
		{"those with a past", []string{"--deliver", "last-per-subject"}, "BILLS=stream:BILLS KV_settings=bucket:settings ORDERS=stream:ORDERS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := commontest.Discover[NATSSource](t, p.args(tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range found {
				for option, value := range f.Options {
					all = append(all, f.Name+"="+option+":"+value.(string))
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(all, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhyNothingCanBeFoundIsTold(t *testing.T) {
	p := newPeer(t)
	p.Stop()
	if found, err := commontest.Discover[NATSSource](t, p.args()...); err == nil || !strings.Contains(err.Error(), "connect to") {
		t.Errorf("found %v, error %v", found, err)
	}
}
