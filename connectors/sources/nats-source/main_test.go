package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
	"github.com/patchbay-dev/patchbay/common/natsclient/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContractOfAStream(t *testing.T) {
	p := newPeer(t)
	commontest.Contract[NATSSource](t, commontest.Promise{Args: p.args("--stream", "ORDERS"), Resumes: true, More: p.more})
}

func TestContractOfAConsumer(t *testing.T) {
	p := newPeer(t)
	p.makeConsumer(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckExplicitPolicy})
	// What it resumes at is kept by the server; see the tests of consumers.
	commontest.Contract[NATSSource](t, commontest.Promise{Args: p.args("--stream", "ORDERS", "--consumer", "c"), More: p.more})
}

func TestContractOfABucket(t *testing.T) {
	p := newPeer(t)
	commontest.Contract[NATSSource](t, commontest.Promise{
		Args: p.args("--bucket", "settings"), Resumes: true,
		More: func(n int) {
			for range n {
				id := p.sent.Add(1)
				p.put(fmt.Sprint("key-", id), strconv.FormatInt(id, 10))
			}
		},
	})
}

func TestContractOfASubject(t *testing.T) {
	p := newPeer(t)
	nc, ctx, done := p.Connect(), natstest.Context(t), make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(done)
		for i := 0; common.Sleep(ctx, time.Millisecond) == nil; i++ {
			_ = nc.Publish("plain", strconv.AppendInt(nil, int64(i), 10))
		}
	}()
	commontest.Contract[NATSSource](t, commontest.Promise{Args: p.args("--subject", "plain"), NoOnce: true})
	cancel()
	<-done
}

func TestWhatARecordHoldsOfAStreamsMessage(t *testing.T) {
	p := newPeer(t)
	_, err := p.js.PublishMsg(natstest.Context(t), &nats.Msg{
		Subject: "orders.new", Data: []byte("one"),
		Header: nats.Header{"Customer": {"ann"}, "Tag": {"a", "b"}, "Nats-Msg-Id": {"1"}, "Empty": {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	recs, _ := p.once(nil, "--stream", "ORDERS", "--key-header", "Customer")
	if len(recs) != 1 {
		t.Fatalf("%d records", len(recs))
	}
	got := recs[0]
	made := p.stream.CachedInfo().Created.UnixNano()
	want := common.Record{
		ID: got.ID, Key: "ann", Position: fmt.Sprintf("1@%d", made), Subject: "orders.new", Time: got.Time, Value: []byte("one"),
		Headers: map[string]string{"Customer": "ann", "Tag": "a, b"},
	}
	if diff := cmp.Diff(want, got); diff != "" || time.Since(got.Time) > time.Minute {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
}

func TestWhereAStreamIsBegun(t *testing.T) {
	p := newPeer(t)
	p.publish("orders.a", "1", "2")
	p.publish("orders.b", "3")
	p.publish("orders.a", "4")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"with all", nil, "1 2 3 4"},
		{"with one subject", []string{"--subject", "orders.b"}, "3"},
		{"with the last of each subject", []string{"--deliver", "last-per-subject"}, "3 4"},
		{"with the last of one subject", []string{"--deliver", "last-per-subject", "--subject", "*.a"}, "4"},
		{"with what is new", []string{"--deliver", "new"}, ""},
		{"with a subject that nothing has", []string{"--subject", "orders.none"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			recs, _ := p.once(nil, append(tt.args, "--stream", "ORDERS")...)
			wantValues(t, recs, tt.want)
			durable := strings.ReplaceAll(tt.name, " ", "-")
			recs, _ = p.once(nil, append(tt.args, "--stream", "ORDERS", "--consumer", durable)...)
			wantValues(t, recs, tt.want)
		})
	}
}

func TestWhatIsNewIsNotMissedBetweenTwoRuns(t *testing.T) {
	p := newPeer(t)
	p.publish("orders.new", "old")
	_, at := p.once(nil, "--stream", "ORDERS", "--deliver", "new")
	p.publish("orders.new", "new")
	recs, _ := p.once(at, "--stream", "ORDERS", "--deliver", "new")
	wantValues(t, recs, "new")
}

func TestAStreamThatWasMadeAnewIsReadFromItsStart(t *testing.T) {
	p := newPeer(t)
	p.publish("orders.new", "1", "2")
	_, at := p.once(nil, "--stream", "ORDERS")
	if err := p.js.DeleteStream(natstest.Context(t), "ORDERS"); err != nil {
		t.Fatal(err)
	}
	p.makeStream()
	p.publish("orders.new", "3", "4", "5")
	recs, _ := p.once(at, "--stream", "ORDERS", "--deliver", "new")
	wantValues(t, recs, "3 4 5")
}

func TestAPositionSetByHand(t *testing.T) {
	p := newPeer(t)
	p.publish("orders.new", "1", "2", "3")
	recs, _ := p.once(map[string]string{"": "2"}, "--stream", "ORDERS")
	wantValues(t, recs, "3")
	recs, _ = p.once(map[string]string{"": "9"}, "--stream", "ORDERS")
	wantValues(t, recs, "1 2 3") // the stream has never come so far, so it is another one
	err := p.start(commontest.Config{Positions: map[string]string{"": "two"}}, "--stream", "ORDERS").Wait()
	if err == nil || !strings.Contains(err.Error(), `the saved position "two"`) {
		t.Errorf("the error is %v", err)
	}
}

func TestASubjectIsSharedByItsQueueGroup(t *testing.T) {
	p := newPeer(t)
	nc := p.Connect()
	one := p.start(commontest.Config{}, "--subject", "plain.*", "--queue", "q")
	two := p.start(commontest.Config{}, "--subject", "plain.*", "--queue", "q")
	other := p.start(commontest.Config{}, "--subject", "plain.x", "--key-header", "K")
	// None of them has come to life before all have seen a message, so messages go on until then.
	got := func() [3]int { return [3]int{len(one.Records()), len(two.Records()), len(other.Records())} }
	sent := 0
	commontest.Await(t, "a message for each", func() bool {
		if err := nc.PublishMsg(&nats.Msg{Subject: "plain.x", Data: []byte(strconv.Itoa(sent)), Header: nats.Header{"K": {"k"}}}); err != nil {
			t.Fatal(err)
		}
		sent++
		return got()[0] > 0 && got()[1] > 0 && got()[2] > 0
	})
	stop(t, one)
	stop(t, two)
	stop(t, other)
	seen := map[string]bool{}
	for _, rec := range append(one.Records(), two.Records()...) {
		if seen[string(rec.Value)] {
			t.Errorf("message %s came twice", rec.Value)
		}
		seen[string(rec.Value)] = true
	}
	if rec := other.Records()[0]; rec.Subject != "plain.x" || rec.Key != "k" || rec.Headers["K"] != "k" || rec.Position != "" {
		t.Errorf("the record is %+v", rec)
	}
}

func TestASubjectHasNoEnd(t *testing.T) {
	p := newPeer(t)
	err := p.start(commontest.Config{Once: true}, "--subject", "plain").Wait()
	if err == nil || !strings.Contains(err.Error(), "has no end") {
		t.Errorf("the error is %v", err)
	}
}

func TestALostServerIsWaitedFor(t *testing.T) {
	for _, args := range [][]string{{"--stream", "ORDERS"}, {"--stream", "ORDERS", "--consumer", "c"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			p := newPeer(t)
			p.publish("orders.new", "1")
			run := p.start(commontest.Config{}, args...)
			run.Next()
			p.Stop()
			p.Start()
			p.publish("orders.new", "2")
			for rec := run.Next(); string(rec.Value) != "2"; rec = run.Next() {
				if rec.ID != run.Records()[0].ID {
					t.Errorf("the record %q has another id than before", rec.Value)
				}
			}
			stop(t, run)
		})
	}
}

func TestOptionsThatDoNotGoTogether(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "subject: is missing"},
		{"--subject a..b", "subject: "},
		{"--bucket b --stream s", "bucket: and --stream"},
		{"--bucket b --subject s", "subject: does not go with --bucket"},
		{"--stream s --queue q", "queue: goes with a subject alone"},
		{"--subject s --consumer c", "consumer: needs the --stream"},
		{"--stream s --keys k", "keys: needs the --bucket"},
		{"--subject s --deliver new", "deliver: goes with --stream or --bucket"},
		{"--subject s --nats-url nats://user:canary@host", "nats-url: "},
		{"--subject s --nats-user me", "nats-password"},
		{"--subject s --nats-token canary --nats-nkey-file f", "nats-token"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			args := strings.Fields(tt.args)
			if !strings.Contains(tt.args, "--nats-url") {
				args = append(args, "--nats-url", "nats://host")
			}
			_, errs := commontest.Parse[NATSSource](t, args...)
			if got := fmt.Sprint(errs); !strings.Contains(got, tt.want) || strings.Contains(got, "canary") {
				t.Errorf("%s does not say %q", got, tt.want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	p := newPeer(t)
	ctx := natstest.Context(t)
	_, err := p.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "none", AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"--subject plain", ""},
		{"--stream ORDERS", ""},
		{"--stream ORDERS --consumer later", ""},
		{"--stream ORDERS --consumer none", "AckNone"},
		{"--stream NONE", "stream NONE: "},
		{"--bucket settings", ""},
		{"--bucket none", "bucket none: "},
	} {
		t.Run(tt.args, func(t *testing.T) {
			err := commontest.Options[NATSSource](t, p.args(strings.Fields(tt.args)...)...).Check(ctx)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
		})
	}
	names := 0
	for range p.stream.ConsumerNames(ctx).Name() {
		names++
	}
	if names != 1 {
		t.Errorf("there are %d consumers: a check has made some", names)
	}
}
