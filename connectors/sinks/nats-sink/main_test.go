package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
	"github.com/patchbay-dev/patchbay/common/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContractOfAStream(t *testing.T) {
	p := newPeer(t)
	commontest.Contract[NATSSink](t, commontest.Promise{
		Args: p.args("--stream", "ORDERS", "--subject", "orders.new"),
		// Without ids: the stream takes one that it has seen at any time.
		Records: []common.Record{{Value: []byte("1")}, {Value: []byte("2")}},
		Block:   func() func() { return p.block("ORDERS") },
	})
}

func TestContractOfABucket(t *testing.T) {
	p := newPeer(t)
	commontest.Contract[NATSSink](t, commontest.Promise{
		Args: p.args("--bucket", "settings"), Records: records("1", "2", "3"),
		Block: func() func() { return p.block("KV_settings") },
		Written: func() int {
			info, err := p.bucket.Status(natstest.Context(t))
			if err != nil {
				t.Fatal(err)
			}
			return int(info.Values())
		},
	})
}

func TestContractOfASubject(t *testing.T) {
	p := newPeer(t)
	sub, err := p.Connect().SubscribeSync("plain")
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	commontest.Contract[NATSSink](t, commontest.Promise{
		Args: p.args("--subject", "plain"),
		Written: func() int {
			for {
				if _, err := sub.NextMsg(20 * time.Millisecond); err != nil {
					return written
				}
				written++
			}
		},
	})
}

func TestWhatAMessageHoldsOfARecord(t *testing.T) {
	p := newPeer(t)
	rec := common.Record{
		ID: "id-1", Key: "ann", Subject: "created", Value: []byte("one"),
		Headers: map[string]string{"Tag": "a", "Nats-Expected-Stream": "OTHER", "nats-rollup": "all"},
	}
	_, err := p.send(commontest.Config{}, []common.Record{rec}, "--stream", "ORDERS", "--subject", "orders.{key}.{subject}", "--key-header", "Customer")
	if err != nil {
		t.Fatal(err)
	}
	msgs := p.stored("ORDERS")
	if len(msgs) != 1 || string(msgs[0].Data) != "one" || msgs[0].Subject != "orders.ann.created" {
		t.Fatalf("the messages are %+v", msgs)
	}
	want := nats.Header{"Tag": {"a"}, "Customer": {"ann"}, "Nats-Msg-Id": {"id-1"}, "Nats-Expected-Stream": {"ORDERS"}}
	if diff := cmp.Diff(want, msgs[0].Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

func TestARecordThatComesTwiceIsStoredOnce(t *testing.T) {
	p := newPeer(t)
	acked, err := p.send(commontest.Config{}, append(records("1", "2"), records("2", "3")...), "--stream", "ORDERS", "--subject", "orders.new")
	if err != nil || acked != "1 2 2 3" {
		t.Errorf("acknowledged are %s, the error is %v", acked, err)
	}
	if got := values(p.stored("ORDERS")); got != "1 2 3" {
		t.Errorf("stored are %s", got)
	}
}

func TestRecordsKeepTheirOrder(t *testing.T) {
	p := newPeer(t)
	var all []string
	for n := range 5000 {
		all = append(all, strconv.Itoa(n))
	}
	if _, err := p.send(commontest.Config{BatchSize: 2000}, records(all...), "--stream", "ORDERS", "--subject", "orders.new"); err != nil {
		t.Fatal(err)
	}
	if got := values(p.stored("ORDERS")); got != strings.Join(all, " ") {
		t.Error("the stream has another order")
	}
}

func TestABucketFollowsTheRecords(t *testing.T) {
	p := newPeer(t)
	_, err := p.send(commontest.Config{}, []common.Record{
		{ID: "1", Key: "a", Value: []byte("1")},
		{ID: "1", Key: "a", Value: []byte("2"), Headers: map[string]string{"KV-Operation": "PURGE", "Tag": "x"}}, // by the same id
		{ID: "2", Key: "b/c.d", Value: []byte("3")},
		{ID: "3", Key: "gone", Value: []byte("4")},
		{ID: "4", Key: "gone", Op: record.Delete, Value: []byte("last state")},
	}, "--bucket", "settings")
	if err != nil {
		t.Fatal(err)
	}
	ctx := natstest.Context(t)
	for key, want := range map[string]string{"a": "2", "b/c.d": "3"} {
		entry, err := p.bucket.Get(ctx, key)
		if err != nil || string(entry.Value()) != want {
			t.Errorf("%s is %v (%v), want %s", key, entry, err, want)
		}
	}
	if _, err := p.bucket.Get(ctx, "gone"); err == nil {
		t.Error("a key is left")
	}
}

func TestWhatIsRefusedGoesToTheErrorPolicy(t *testing.T) {
	p := newPeer(t)
	good, long := common.Record{Key: "k", Value: []byte("good")}, []byte(strings.Repeat("x", 2000))
	for _, tt := range []struct {
		name string
		bad  common.Record
		args string
		want string
	}{
		{"longer than the stream takes", common.Record{Value: long}, "--stream ORDERS --subject orders.a", "message size exceeds maximum"},
		{"longer than the server takes", common.Record{Value: make([]byte, 2<<20)}, "--subject plain", "maximum payload exceeded"},
		{"without the key of the subject", common.Record{}, "--subject plain.{key}", "has no key"},
		{"a key with a wildcard", common.Record{Key: "a.*"}, "--subject plain.{key}", "no subject to publish to"},
		{"a key with an empty part", common.Record{Key: "a."}, "--subject plain.{key}", "no subject to publish to"},
		{"a key that gives orders", common.Record{Key: "$JS.API.STREAM.DELETE.ORDERS"}, "--subject {key}", "a subject of the system"},
		{"another stream's subject", common.Record{Key: "$KV"}, "--stream ORDERS --subject {key}", "a subject of the system"},
		{"a key that no bucket takes", common.Record{Key: "a b"}, "--bucket settings", "cannot be a key of a bucket"},
		{"no key for a bucket", common.Record{}, "--bucket settings", "cannot be a key of a bucket"},
		{"a header of two lines", common.Record{Key: "k", Headers: map[string]string{"A": "b\r\nC: d"}}, "--subject plain", "more than a line"},
		{"a header without a name", common.Record{Key: "k", Headers: map[string]string{"": "b"}}, "--subject plain", "no name that NATS can carry"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.bad.Value = append(tt.bad.Value, "bad"...)
			args := strings.Fields(tt.args)
			if strings.Contains(tt.args, "--stream ORDERS --subject {key}") {
				good := good
				good.Key = "orders.k"
				if _, err := p.send(commontest.Config{}, []common.Record{good}, args...); err != nil {
					t.Error(err)
				}
			}
			_, err := p.send(commontest.Config{}, []common.Record{tt.bad}, args...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v", err)
			}
			if strings.Contains(tt.args, "--stream ORDERS --subject {key}") {
				return
			}
			acked, err := p.send(commontest.Config{OnError: "skip"}, []common.Record{good, tt.bad, good}, args...)
			if err != nil || strings.Count(acked, "good") != 2 {
				t.Errorf("acknowledged are %.20s…, the error is %v", acked, err)
			}
		})
	}
	if len(p.stored("ORDERS")) == 0 {
		t.Error("the stream is gone")
	}
}

func TestASubjectOfAnotherStreamEndsTheSink(t *testing.T) {
	p := newPeer(t)
	ctx := natstest.Context(t)
	if _, err := p.js.CreateStream(ctx, jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other.*"}}); err != nil {
		t.Fatal(err)
	}
	_, err := p.send(commontest.Config{OnError: "skip"}, records("1"), "--stream", "ORDERS", "--subject", "other.a")
	if err == nil || !strings.Contains(err.Error(), "is not stored by stream ORDERS") {
		t.Errorf("the error is %v", err)
	}
	acked, err := p.send(commontest.Config{OnError: "skip"}, []common.Record{{Key: "other.a"}, {Key: "orders.a"}}, "--stream", "ORDERS", "--subject", "{key}")
	if err != nil || acked != " " {
		t.Errorf("acknowledged are %q, the error is %v", acked, err)
	}
	if n := len(p.stored("OTHER")); n != 0 {
		t.Errorf("the other stream has %d messages", n)
	}
}

// While a stream is full it refuses what comes; that passes.
func TestAFullStreamIsWaitedFor(t *testing.T) {
	p := newPeer(t)
	release := p.block("ORDERS")
	run := commontest.StartSink[NATSSink](t, commontest.Config{}, records("1", "2", "3"), p.args("--stream", "ORDERS", "--subject", "orders.a")...)
	if err := common.Sleep(natstest.Context(t), 300*time.Millisecond); err != nil { // some tries
		t.Fatal(err)
	}
	if n := len(run.Acknowledged()); n != 0 {
		t.Errorf("%d records are acknowledged", n)
	}
	release()
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := len(p.stored("ORDERS")); n != 1+3 || len(run.Acknowledged()) != 3 {
		t.Errorf("%d records are stored, %d acknowledged", n, len(run.Acknowledged()))
	}
}

func TestWhatTheServerForbidsIsNotAcknowledged(t *testing.T) {
	p := newPeer(t, func(o *server.Options) {
		may := &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"allowed", "$JS.API.>"}}}
		o.Users = []*server.User{{Username: "u", Password: "canary", Permissions: may}, {Username: "all", Password: "all"}}
		o.NoAuthUser = "all"
	})
	args := p.args("--subject", "forbidden", "--nats-user", "u", "--nats-password", "canary")
	run := commontest.StartSink[NATSSink](t, commontest.Config{}, records("1"), args...)
	if err := common.Sleep(natstest.Context(t), 300*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if n := len(run.Acknowledged()); n != 0 {
		t.Errorf("%d records are acknowledged", n)
	}
	if err := run.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := p.send(commontest.Config{}, records("1"), "--subject", "allowed", "--nats-user", "u", "--nats-password", "canary"); err != nil {
		t.Error(err)
	}
}

func TestOptionsThatDoNotGoTogether(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "subject: is missing"},
		{"--subject a --bucket b", "bucket: and --subject"},
		{"--stream s", "stream: needs a --subject"},
		{"--bucket b --stream s", "stream: does not go with --bucket"},
		{"--bucket b --key-header h", "key-header: does not go with --bucket"},
		{"--subject a.>", "subject: nothing can be published to a wildcard"},
		{"--subject a.{topic}", "subject: {topic} stands for nothing"},
		{"--subject a.{key", "subject: a { or }"},
		{"--subject a --nats-url nats://canary@host", "nats-url: "},
	} {
		t.Run(tt.args, func(t *testing.T) {
			args := strings.Fields(tt.args)
			if !strings.Contains(tt.args, "--nats-url") {
				args = append(args, "--nats-url", "nats://host")
			}
			_, errs := commontest.Parse[NATSSink](t, args...)
			if got := fmt.Sprint(errs); !strings.Contains(got, tt.want) || strings.Contains(got, "canary") {
				t.Errorf("%s does not say %q", got, tt.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	p := newPeer(t)
	ctx := natstest.Context(t)
	mirror, err := p.js.CreateStream(ctx, jetstream.StreamConfig{Name: "COPY", Mirror: &jetstream.StreamSource{Name: "ORDERS"}})
	if err != nil {
		t.Fatal(err)
	}
	commontest.Await(t, "the mirror", func() bool { // a server that is stopped while it sets one up leaves a goroutine for 30 s
		info, err := mirror.Info(ctx)
		return err == nil && info.Mirror.Active >= 0
	})
	for _, tt := range []struct{ args, want string }{
		{"--subject plain", ""},
		{"--subject orders.a --stream ORDERS", ""},
		{"--subject orders.a --stream NONE", "stream NONE: "},
		{"--subject orders.a --stream COPY", "COPY mirrors ORDERS"},
		{"--bucket settings", ""},
		{"--bucket none", "bucket none: "},
	} {
		t.Run(tt.args, func(t *testing.T) {
			err := commontest.Options[NATSSink](t, p.args(strings.Fields(tt.args)...)...).Check(ctx)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
	if n := len(p.stored("ORDERS")); n != 0 {
		t.Errorf("a check has stored %d messages", n)
	}
}
