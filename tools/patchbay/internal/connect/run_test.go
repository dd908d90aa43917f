package connect

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

func TestAnInletPublishesToASubject(t *testing.T) {
	r := newRig(t)
	sub, err := r.nc.SubscribeSync("a.b")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	err = r.run(t.Context(), "source: {type: numbers, config: {count: 100, pause: '0.5', header: {Colour: 'blue ${env:HOME}', Nats-Rollup: all}}}\nproducer: {core: {subject: a.b}}")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 100; n++ {
		m, err := sub.NextMsg(5 * time.Second)
		if err != nil || string(m.Data) != strconv.Itoa(n) {
			t.Fatalf("message %d is %v, %v", n, m, err)
		}
		if len(m.Header) != 1 || m.Header.Get("Colour") != "blue ${env:HOME}" { // literal, and nothing that the server obeys
			t.Fatalf("the headers are %v", m.Header)
		}
	}
	if !strings.Contains(r.log.String(), "positions are not kept") {
		t.Errorf("the log is %s", r.log.String())
	}
}

func TestAnInletFillsAStreamAndResumes(t *testing.T) {
	r := newRig(t)
	all := r.stream("S", "s.>")
	for _, count := range []int{100, 150} { // the second goes on where the first ended
		err := r.run(t.Context(), fmt.Sprintf("source: {type: numbers_source, config: {count: %d}}\nproducer: {stream: {subject: s.a}}", count))
		if err != nil {
			t.Fatal(err)
		}
	}
	want := make([]string, 150)
	for i := range want {
		want[i] = strconv.Itoa(i + 1)
	}
	if got := all(); !slices.Equal(got, want) {
		t.Errorf("the stream holds %v", got)
	}
}

func TestAnInletPutsIntoABucket(t *testing.T) {
	for _, tt := range []struct{ name, key, own, want string }{
		{"a key", "last", "x", "last"}, {"the record's own", "", "x.y", "x.y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			bucket, err := r.js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "B"})
			if err != nil {
				t.Fatal(err)
			}
			err = r.run(t.Context(), fmt.Sprintf("source: {type: numbers, config: {count: 5, key: %s}}\nproducer: {kv: {bucket: B, key: '%s'}}", tt.own, tt.key))
			if err != nil {
				t.Fatal(err)
			}
			if entry, err := bucket.Get(t.Context(), tt.want); err != nil || string(entry.Value()) != "5" {
				t.Errorf("the bucket holds %v, %v", entry, err)
			}
		})
	}
}

func TestARecordWithoutAKeyIsRefusedByABucket(t *testing.T) {
	r := newRig(t)
	if _, err := r.js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "B"}); err != nil {
		t.Fatal(err)
	}
	err := r.run(t.Context(), "source: {type: numbers, config: {count: 5}}\nproducer: {kv: {bucket: B}}")
	if err == nil || !strings.Contains(err.Error(), "producer.kv.key") {
		t.Errorf("the run ended with %v", err)
	}
}

func TestAnOutletReadsASubjectInAQueue(t *testing.T) {
	r := newRig(t)
	steps := fmt.Sprintf("consumer: {core: {subject: 'a.*', queue: q}}\nsink: {type: lines, config: {path: %s}}", r.file)
	stops := []func(){r.start(steps), r.start(steps)} // copies share the records
	r.listening(2)
	for n := range 100 {
		m := &nats.Msg{Subject: "a.b", Data: []byte(strconv.Itoa(n)), Header: nats.Header{"Colour": {"blue"}}}
		if err := r.nc.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	hosttest.Await(t, "all records", func() bool { return len(r.written()) >= 100 })
	for _, stop := range stops {
		stop()
	}
	if got := r.written(); len(got) != 100 || !strings.HasPrefix(got[0], "Colour=blue ") {
		t.Errorf("%d records were written, the first is %s", len(got), got[0])
	}
}

func TestAnOutletReadsAStreamOnce(t *testing.T) {
	r := newRig(t)
	r.stream("S", "s.>")
	publish := func(from, to int) {
		for n := from; n <= to; n++ {
			if _, err := r.js.Publish(t.Context(), "s."+strconv.Itoa(n), []byte(strconv.Itoa(n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(1, 50)
	steps := fmt.Sprintf("consumer: {stream: {subject: 's.*'}}\nsink: {type: lines, config: {path: %s}}", r.file)
	stop := r.start(steps)
	hosttest.Await(t, "the first", func() bool { return len(r.written()) >= 50 })
	stop()
	publish(51, 100)
	stop = r.start(steps) // goes on where the first ended
	hosttest.Await(t, "the rest", func() bool { return len(r.written()) >= 100 })
	stop()
	wantNumbers(t, r.written(), 100, 0)
}

func TestAnOutletFollowsABucket(t *testing.T) {
	r := newRig(t)
	bucket, err := r.js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "B", History: 5})
	if err != nil {
		t.Fatal(err)
	}
	put := func(key, value string) {
		if _, err := bucket.PutString(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	put("a.b", "old")
	put("a.b", "1")
	r.start(fmt.Sprintf("consumer: {kv: {bucket: B}}\nsink: {type: lines, config: {path: %s}}", r.file))
	hosttest.Await(t, "what is there", func() bool { return slices.Equal(r.written(), []string{"a.b 1"}) })
	put("c", "2")
	if err := bucket.Delete(t.Context(), "a.b"); err != nil {
		t.Fatal(err)
	}
	hosttest.Await(t, "the changes", func() bool { return slices.Equal(r.written(), []string{"a.b 1", "c 2", "delete a.b "}) })
}

func TestLogins(t *testing.T) {
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := user.PublicKey()
	seed, _ := user.Seed()
	operator, _ := nkeys.CreateOperator()
	operatorID, _ := operator.PublicKey()
	account, _ := nkeys.CreateAccount()
	accountID, _ := account.PublicKey()
	operatorJWT, err1 := jwt.NewOperatorClaims(operatorID).Encode(operator)
	accountJWT, err2 := jwt.NewAccountClaims(accountID).Encode(operator)
	userJWT, err3 := jwt.NewUserClaims(public).Encode(account)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	byJWT := fmt.Sprintf("operator: %s\nresolver: MEMORY\nresolver_preload: {%s: %s}\njetstream: disabled", operatorJWT, accountID, accountJWT)
	byKey := fmt.Sprintf("authorization: {users: [{nkey: %s}]}", public)
	login := fmt.Sprintf("auth_enabled: true, jwt: %q, seed: %q", userJWT, seed)
	keyOnly := fmt.Sprintf("auth_enabled: true, seed: %q", seed)
	platform := []string{"NEX_WORKLOAD_NATS_B64_JWT=" + b64(userJWT), "NEX_WORKLOAD_NATS_NKEY=" + string(seed)}
	tests := []struct {
		name, server, login string
		env                 []string
	}{
		{"JWT and seed of the step", byJWT, login, nil},
		{"JWT and seed of the platform", byJWT, "", platform},
		{"a seed alone", byKey, keyOnly, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			url := startServer(t, tt.server)
			r.env = append([]string{"NEX_WORKLOAD_NATS_SERVERS=" + url}, append(tt.env, r.env...)...)
			steps := "source: {type: numbers, config: {count: 3}}\nproducer: {core: {subject: a}}"
			if tt.login != "" {
				steps = strings.Replace(steps, "core:", fmt.Sprintf("nats: {url: %s, %s}, core:", url, tt.login), 1)
			}
			if err := r.run(t.Context(), steps); err != nil {
				t.Errorf("the run ended with %v", err)
			}
			if log := r.log.String(); strings.Contains(log, string(seed)) || strings.Contains(log, userJWT) {
				t.Error("the log shows a secret")
			}
		})
	}
}

func TestWhatCannotRunIsRefusedAtOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := newRig(t)
	mute := jetstream.StreamConfig{Name: "MUTE", Subjects: []string{"mute"}, NoAck: true}
	if _, err := r.js.CreateStream(t.Context(), mute); err != nil {
		t.Fatal(err)
	}
	const to = "\nproducer: {core: {subject: a}}"
	tests := []struct{ name, steps, want string }{
		{"an unknown connector", "source: {type: numbres}" + to, "did you mean numbers-source? PATCHBAY_BIN_DIR names another folder"},
		{"a path", "source: {type: /bin/sh}" + to, "not a path"},
		{"a sink for a source", "source: {type: lines-sink}" + to, "lines-sink is a sink"},
		{"an option", "source: {type: numbers, config: {cuont: 3, secret: canary}}" + to, `unknown option "cuont"; did you mean "count"`},
		{"no number", "source: {type: numbers, config: {pause: '1.5x'}}" + to, "--pause: expected a number"},
		{"an option of the runtime", "source: {type: numbers, config: {topic: x}}" + to, "topic: the steps decide on that"},
		{"dead letters", "source: {type: numbers, config: {on_error: dead-letter}}" + to, "no place for dead letters"},
		{"no stream", "source: {type: numbers}\nproducer: {stream: {subject: a}}", "no stream takes the subject a"},
		{"a stream that does not answer", "source: {type: numbers}\nproducer: {stream: {subject: mute}}", "stream MUTE acknowledges nothing (no_ack)"},
		{"no bucket", "source: {type: numbers}\nproducer: {kv: {bucket: a}}", "there is no bucket a"},
		{"Bloblang", "source: {type: numbers}" + to + "\ntransformer: {mapping: {sourcecode: 'root.x = this.y'}}", "is Bloblang, which is not run here"},
		{"a server's address", "source: {type: numbers}\nproducer: {nats: {url: 'http://me:canary@x'}, core: {subject: a}}", "the scheme must be nats"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := r.run(t.Context(), tt.steps)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("the run ended with %v, want %q", err, tt.want)
			}
		})
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 { // of the files with secrets
		t.Errorf("%v is left, %v", left, err)
	}
}
