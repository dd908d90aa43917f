package connect

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

// A rig is a server and what is needed to run connectors at it.
type rig struct {
	t    *testing.T
	url  string
	nc   *nats.Conn
	js   jetstream.JetStream
	bin  string
	file string // what a sink writes
	env  []string
	log  hosttest.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	url := startServer(t, "")
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(10000)) // a test sends all it has at once
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, url: url, nc: nc, js: js, bin: t.TempDir(), file: filepath.Join(t.TempDir(), "lines")}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"numbers-source", "lines-sink"} {
		if err := os.Link(self, filepath.Join(r.bin, name)); err != nil {
			if err := copyFile(self, filepath.Join(r.bin, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.env = append(os.Environ(), "NEX_WORKLOAD_NATS_SERVERS="+url, "NEX_WORKLOAD_GROUP=orders", "CONNECT_LOG_LEVEL=info",
		"GORACE=atexit_sleep_ms=0")
	return r
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o700)
}

// run runs steps until they end or ctx does.
func (r *rig) run(ctx context.Context, steps string) error {
	return Run(ctx, Options{Config: b64(steps), Env: r.env, Dirs: []string{r.bin}, Stderr: &r.log})
}

// start runs steps in the background; stop ends them and fails the test if they do not end well.
func (r *rig) start(steps string) (stop func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.run(ctx, steps) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				r.t.Errorf("the run ended with %v; its log:\n%s", err, r.log.String())
			}
		})
	}
	r.t.Cleanup(stop)
	return stop
}

// written is what the sink has written.
func (r *rig) written() []string {
	text, _ := os.ReadFile(r.file)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// stream makes a stream and returns what it holds, in its order, once it is called.
func (r *rig) stream(name string, subjects ...string) func() []string {
	r.t.Helper()
	s, err := r.js.CreateStream(r.t.Context(), jetstream.StreamConfig{Name: name, Subjects: subjects})
	if err != nil {
		r.t.Fatal(err)
	}
	return func() []string {
		info, err := s.Info(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		var all []string
		for n := info.State.FirstSeq; n <= info.State.LastSeq; n++ {
			m, err := s.GetMsg(r.t.Context(), n)
			if err != nil {
				r.t.Fatal(err)
			}
			all = append(all, string(m.Data))
		}
		return all
	}
}

// listening waits until so many connectors run. By then their places on NATS are open.
func (r *rig) listening(n int) {
	r.t.Helper()
	hosttest.Await(r.t, "the start of connectors", func() bool { return strings.Count(r.log.String(), "msg=starting") >= n })
}
