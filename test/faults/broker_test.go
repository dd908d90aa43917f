package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// serve is the part of the broker: a NATS server that runs until it is killed. Its arguments are a port and a folder.
func serve() {
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: number(os.Args[1]), JetStream: true, StoreDir: os.Args[2], MaxPayload: 8 << 20,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	srv.ConfigureLogger()
	srv.Start()
	srv.WaitForShutdown()
	os.Exit(0)
}

// A broker is a NATS server that can be killed and started again on the same data and port.
type broker struct {
	t       *testing.T
	port    int
	store   string
	process *process
}

// givenPorts are the ports that freePort has returned.
var givenPorts sync.Map

// freePort returns a port that nobody listens on, out of those that the system gives to nobody by itself: it is still free
// when whoever listens there has been killed. No test is given that of another.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.N(12000)
		if _, given := givenPorts.LoadOrStore(port, true); given {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{t: t, port: freePort(t), store: t.TempDir()}
	b.start()
	return b
}

func (b *broker) address() string { return "127.0.0.1:" + strconv.Itoa(b.port) }

// start starts the server and returns when it can store records.
func (b *broker) start() {
	b.t.Helper()
	b.process = start(b.t, b.store, "broker", strconv.Itoa(b.port), b.store)
	await(b.t, "the broker is ready", func() bool {
		if !b.process.running() {
			b.t.Fatalf("the broker has ended: %s", b.process.output.String())
		}
		return strings.Contains(b.process.output.String(), "Server is ready")
	})
}

// kill kills the server as kill -9 does.
func (b *broker) kill() { b.process.kill() }

// ask connects to the server, past every proxy, and asks it something.
func (b *broker) ask(f func(ctx context.Context, js jetstream.JetStream) error) {
	b.t.Helper()
	nc, err := natsgo.Connect("nats://" + b.address())
	if err != nil {
		b.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	if err := f(ctx, js); err != nil {
		b.t.Fatal(err)
	}
}

// stored returns how many records the stream of a topic holds, 0 where there is none.
func (b *broker) stored(topic string) (n int) {
	b.t.Helper()
	b.ask(func(ctx context.Context, js jetstream.JetStream) error {
		if stream, err := js.Stream(ctx, topic); err == nil {
			n = int(stream.CachedInfo().State.Msgs)
		}
		return nil
	})
	return n
}

// group tells how far a group is, or nil before there is one.
func (b *broker) group(topic, name string) (info *jetstream.ConsumerInfo) {
	b.t.Helper()
	b.ask(func(ctx context.Context, js jetstream.JetStream) error {
		if consumer, err := js.Consumer(ctx, topic, name); err == nil {
			info = consumer.CachedInfo()
		}
		return nil
	})
	return info
}

// makeGroup makes the stream of a topic and a group whose patience is short, as somebody else may have made them: connectors
// adopt both.
func (b *broker) makeGroup(topic, name string, patience time.Duration, open int) {
	b.t.Helper()
	b.ask(func(ctx context.Context, js jetstream.JetStream) error {
		stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: topic, Subjects: []string{topic}, Discard: jetstream.DiscardNew, Duplicates: 2 * time.Minute, AllowDirect: true,
		})
		if err != nil {
			return err
		}
		_, err = stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: patience, MaxDeliver: -1, MaxAckPending: open,
			FilterSubject: topic,
		})
		return err
	})
}
