package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/patchbay-dev/patchbay/common/record"
	engine "github.com/patchbay-dev/patchbay/internal/delivery" // the package has a delivery of its own
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// serverEnv makes the test binary a server of a cluster, configured by its value, until its standard input ends.
const serverEnv = "PATCHBAY_TEST_SERVER"

type member struct {
	Name, Store  string
	Port, Routed int
	Routes       []int
	process      *exec.Cmd
}

func runServer(config string) {
	var m member
	if err := json.Unmarshal([]byte(config), &m); err != nil {
		panic(err)
	}
	o := &server.Options{
		ServerName: m.Name, Host: "127.0.0.1", Port: m.Port, JetStream: true, StoreDir: m.Store, NoSigs: true, NoLog: true,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: m.Routed},
	}
	for _, port := range m.Routes {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: "127.0.0.1:" + strconv.Itoa(port)})
	}
	srv, err := server.NewServer(o)
	if err != nil {
		panic(err)
	}
	srv.Start()
	_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test does, however it ends
	srv.Shutdown()
}

// startCluster starts three servers, each in a process of its own.
func startCluster(t *testing.T) map[string]*member {
	t.Helper()
	ports := freePorts(t, 6)
	members := map[string]*member{}
	for i := range 3 {
		m := &member{
			Name: "s" + strconv.Itoa(i), Store: t.TempDir(), Port: ports[i], Routed: ports[3+i], Routes: ports[3:],
		}
		config, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		m.process = exec.Command(os.Args[0])
		m.process.Env = append(os.Environ(), serverEnv+"="+string(config))
		m.process.Stderr = os.Stderr
		life, err := m.process.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.process.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			life.Close()
			_ = m.process.Wait() // the one that was killed has been waited for
		})
		members[m.Name] = m
	}
	return members
}

// kill ends the server as a power cut would.
func (m *member) kill(t *testing.T) {
	t.Helper()
	if err := m.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = m.process.Wait()
	if status, ok := m.process.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("server %s ended by itself: %v", m.Name, m.process.ProcessState)
	}
}

func (m *member) url() string { return "nats://127.0.0.1:" + strconv.Itoa(m.Port) }

// freePorts returns ports that nobody listened on a moment ago: the servers of a cluster have to know each other's.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // when all are known, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// A ledger knows what was sent and what was read.
type ledger struct {
	mu         sync.Mutex
	sent       [partitions]int         // by partition, handed over in order
	delivered  int                     // acknowledged by the topic
	seen       [partitions]map[int]int // how often each record was read
	read       int                     // different records that were read
	duplicates int
	late       int // records that were read behind one that was sent after them
	newest     [partitions]int
}

const partitions = 4

func (l *ledger) counts() (sent, delivered, read, duplicates int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.sent {
		sent += n
	}
	return sent, l.delivered, l.read, l.duplicates
}

// send hands records over until enough were delivered.
func (l *ledger) send(ctx context.Context, out *engine.Output, enough func() bool) error {
	for p := 0; !enough(); p = (p + 1) % partitions {
		l.mu.Lock()
		n := l.sent[p]
		l.sent[p]++
		l.mu.Unlock()
		id := fmt.Sprintf("%d:%d", p, n)
		err := out.Send(ctx, record.Record{
			ID: id, Partition: strconv.Itoa(p), Position: strconv.Itoa(n), Value: []byte(id),
			Settled: func(err error) {
				l.mu.Lock()
				defer l.mu.Unlock()
				if err == nil {
					l.delivered++
				}
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// take notes a record that was read.
func (l *ledger) take(t *testing.T, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var p, n int
	if _, err := fmt.Sscanf(value, "%d:%d", &p, &n); err != nil {
		t.Errorf("a record that nobody sent: %q", value)
		return
	}
	if l.seen[p] == nil {
		l.seen[p] = map[int]int{}
	}
	if l.seen[p][n]++; l.seen[p][n] > 1 {
		l.duplicates++
		return
	}
	l.read++
	if n < l.newest[p] {
		l.late++
	}
	l.newest[p] = max(n, l.newest[p])
}

// A source and a sink keep running while the server that leads their stream is killed.
func TestAClusterThatLosesItsLeaderLosesNoRecord(t *testing.T) {
	const (
		before, more = 500, 500 // records delivered around the fault
		inFlight     = 200
	)
	members := startCluster(t)
	var admin *Conn
	replicated := stream(StreamOptions{Replicas: 3})
	await(t, "the cluster serves", func() bool {
		c, err := Connect(testContext(t), Config{URL: members["s0"].url(), Topic: "demo", Stream: StreamOptions{Replicas: 3}})
		if err != nil {
			return false
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := c.ensureStream(ctx); err != nil {
			c.Close()
			return false
		}
		admin = c
		return true
	})
	t.Cleanup(admin.Close)
	info := stored(t, admin)
	if info.Config.Replicas != 3 || info.Cluster == nil {
		t.Fatalf("the stream is made as %+v", info.Config)
	}
	leader := members[info.Cluster.Leader]
	var survivor *member
	for name, m := range members {
		if name != leader.Name {
			survivor = m
		}
	}
	var log syncBuffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	limits := engine.Limits{
		MaxInFlight: inFlight, MaxBytes: 1 << 20, RetryCap: 500 * time.Millisecond, StartTimeout: 20 * time.Second,
		ShutdownTimeout: 10 * time.Second,
	}
	l := &ledger{}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stop, done := context.WithCancel(ctx)
	defer done()
	var running sync.WaitGroup

	// The source's server lives on, so that what was on its way to the leader is never answered; the sink's is killed.
	source := connect(t, survivor.url(), replicated, func(c *Config) { c.MaxInFlight, c.Logger = inFlight, logger })
	writer := openWriter(t, source)
	var goal int // deliveries to end at; 0 until the fault
	enough := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return goal > 0 && l.delivered >= goal
	}
	var sourceErr, sinkErr error
	running.Go(func() {
		sourceErr = engine.RunSource(ctx, engine.SourceConfig{
			Instance: engine.Instance{Name: "one", Connector: "test-source", Topic: "demo"}, Limits: limits, Writer: writer, Log: logger,
			Session: func() (engine.SourceSession, error) {
				return engine.SourceSession{Run: func(ctx context.Context, out *engine.Output) error { return l.send(ctx, out, enough) }}, nil
			},
		})
	})
	patient := consumerConfig("g", "demo", ReaderOptions{MaxInFlight: inFlight}, 0)
	patient.AckWait = 2 * time.Second // what the dying server sent and nobody received comes again after that time
	if _, err := admin.js.CreateConsumer(testContext(t), "demo", patient); err != nil {
		t.Fatal(err)
	}
	reader := openReader(t, connect(t, leader.url(), func(c *Config) { c.Logger = logger }), ReaderOptions{MaxInFlight: inFlight})
	running.Go(func() {
		sinkErr = engine.RunSink(stop, engine.SinkConfig{
			Instance: engine.Instance{Name: "two", Connector: "test-sink", Topic: "demo"}, Limits: limits, Reader: reader, Log: logger,
			BatchSize: 20, BatchWait: time.Millisecond,
			Session: func() (func(context.Context, *engine.Input) error, error) {
				return func(ctx context.Context, in *engine.Input) error {
					for {
						b, err := in.Next(ctx)
						if err != nil {
							return err
						}
						for _, rec := range b.Records {
							l.take(t, string(rec.Value))
						}
						b.Ack()
					}
				}, nil
			},
		})
	})

	await(t, "records flow both ways", func() bool {
		_, delivered, read, _ := l.counts()
		return delivered >= before && read >= before
	})
	if now := stored(t, admin).Cluster.Leader; now != leader.Name {
		t.Fatalf("the leader is %s by now, not %s", now, leader.Name)
	}
	leader.kill(t)
	killed := time.Now()
	sent, delivered, _, _ := l.counts()
	l.mu.Lock()
	goal = delivered + more
	l.mu.Unlock()
	if sent == delivered {
		t.Fatal("nothing was under way when the leader was killed: the test shows nothing")
	}
	resumed := time.Duration(0)
	for tick := time.Tick(5 * time.Millisecond); ctx.Err() == nil; <-tick {
		all, arrived, read, _ := l.counts()
		if resumed == 0 && arrived > sent {
			resumed = time.Since(killed)
		}
		if enough() && read == all && arrived == all {
			break
		}
	}
	done()
	running.Wait()
	sent, delivered, got, duplicates := l.counts()
	t.Logf("%d sent, %d delivered, %d read, %d read twice, %d late; delivered again after %v, done after %v", sent, delivered, got,
		duplicates, l.late, resumed.Round(time.Millisecond), time.Since(killed).Round(time.Millisecond))
	if err := errors.Join(sourceErr, sinkErr); err != nil {
		t.Error(err)
	}
	after := stored(t, admin)
	if after.Cluster.Leader == leader.Name || !strings.Contains(log.String(), "the NATS connection is lost") {
		t.Errorf("the fault did not hit: the leader is %s, and the log says %q", after.Cluster.Leader, log.String())
	}
	// What the dead server had sent comes again, behind newer records; so may what was acknowledged and not yet replicated.
	if duplicates > inFlight || l.late > inFlight {
		t.Errorf("%d records were read twice and %d late, more than the %d that may be under way", duplicates, l.late, inFlight)
	}
	if n := int(after.State.Msgs); n != sent || delivered != sent || got != sent {
		t.Errorf("%d records are in the stream, %d acknowledged and %d read, want each of %d once", n, delivered, got, sent)
	}
	var everything transport.Reader
	await(t, "the group is made, by a cluster that lacks a server", func() (ok bool) {
		var err error
		everything, err = admin.Reader(testContext(t), ReaderOptions{Group: "all", MaxInFlight: sent})
		return err == nil
	})
	defer everything.Close()
	inStream := &ledger{}
	await(t, "all of the stream is read", func() bool {
		// The other servers may not know of the group yet; delivery asks again then, too.
		ms, _ := everything.Read(testContext(t), sent, 0)
		for _, m := range ms {
			inStream.take(t, string(m.Record.Value))
		}
		return inStream.read+inStream.duplicates >= sent
	})
	if inStream.read != sent || inStream.late > 0 {
		t.Errorf("the stream holds %d different records of %d, %d of them out of order", inStream.read, sent, inStream.late)
	}
}
