package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

// partVariable makes the test binary play a connector.
const partVariable = "HOST_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(partVariable) {
	case "source":
		common.RunSource(common.Info{
			Name: "numbers-source", Version: "0.1.0", Category: "Testing", Description: "Sends numbers.", Resumes: true,
		}, &numbers{})
	case "sink":
		common.RunSink(common.Info{
			Name: "lines-sink", Version: "0.1.0", Category: "Testing", Description: "Writes lines.",
		}, &lines{})
	}
	goleak.VerifyTestMain(m)
}

// numbers sends the numbers up to Count, and then waits for its end if it is to.
type numbers struct {
	Count int  `help:"The last number." default:"100" min:"0"`
	Stay  bool `help:"Do not end."`
}

func (n *numbers) Run(ctx context.Context, out common.Output) error {
	out.Ready()
	at, _ := strconv.Atoi(out.Position(""))
	for at < n.Count {
		at++
		text := strconv.Itoa(at)
		if err := out.Send(ctx, common.Record{Position: text, Value: []byte(text)}); err != nil {
			return err
		}
	}
	if n.Stay {
		<-ctx.Done()
	}
	return nil
}

// lines appends records to a file.
type lines struct {
	Path   string `help:"The file." required:""`
	Refuse string `help:"A value to refuse for good." default:""`
}

func (l *lines) Run(ctx context.Context, in common.Input) error {
	f, err := os.OpenFile(l.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return common.Permanent(err)
	}
	defer f.Close()
	return common.Each(ctx, in, func(_ context.Context, recs []common.Record) error {
		for _, rec := range recs {
			if string(rec.Value) == l.Refuse {
				return common.Permanent(fmt.Errorf("%s is refused", rec.Value))
			}
			if _, err := fmt.Fprintf(f, "%s\n", rec.Value); err != nil {
				return err
			}
		}
		return nil
	})
}

// instance returns an Instance of a part with options.
func instance(t *testing.T, part string, options map[string]any) Instance {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), partVariable+"="+part, "GORACE=atexit_sleep_ms=0")
	finder := connector.Finder{Env: env}
	program, err := finder.Find(t.Context(), self)
	if err != nil {
		t.Fatal(err)
	}
	path, err := program.Configure(t.Context(), env, t.TempDir(), "test", options)
	if err != nil {
		t.Fatal(err)
	}
	i := Instance{Program: program, Env: env, Name: "test", Config: path}
	i.Limits.RetryCap, i.Limits.MaxInFlight = 10*time.Millisecond, 16
	return i
}

// A place is a transport.Writer that keeps what is written, and settles it when asked to.
type place struct {
	mu    sync.Mutex
	got   []string
	slow  chan struct{} // where it is not nil, records are settled only once it is closed
	fresh chan struct{} // gets an element for a record, while there is room
}

func newPlace() *place { return &place{fresh: make(chan struct{}, 1)} }

func (p *place) Write(_ context.Context, rec record.Record, settled func(error)) error {
	p.mu.Lock()
	p.got = append(p.got, string(rec.Value))
	slow := p.slow
	p.mu.Unlock()
	select {
	case p.fresh <- struct{}{}:
	default:
	}
	if slow != nil {
		go func() { <-slow; settled(nil) }()
		return nil
	}
	settled(nil)
	return nil
}

func (p *place) Flush(context.Context) error { return nil }
func (p *place) Close() error                { return nil }

func (p *place) values() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

// want checks that the numbers up to n are all there, and how many came twice.
func want(t *testing.T, values []string, n, twice int) {
	t.Helper()
	seen := map[string]int{}
	for _, v := range values {
		seen[v]++
	}
	for i := 1; i <= n; i++ {
		if seen[strconv.Itoa(i)] == 0 {
			t.Errorf("%d is lost", i)
		}
	}
	if extra := len(values) - n; extra > twice || extra < 0 {
		t.Errorf("%d records came twice, %d at most are allowed", extra, twice)
	}
}

func TestASourceIsRunToItsEndAndResumes(t *testing.T) {
	store := state.NewFile(filepath.Join(t.TempDir(), "state"))
	defer store.Close()
	p := newPlace()
	for _, count := range []int{100, 150} { // the second goes on where the first ended
		if err := instance(t, "source", map[string]any{"count": count}).RunSource(t.Context(), p, store); err != nil {
			t.Fatal(err)
		}
	}
	want(t, p.values(), 150, 0)
}

func TestASourceThatIsKilledIsReplaced(t *testing.T) {
	store := state.NewFile(filepath.Join(t.TempDir(), "state"))
	defer store.Close()
	i, p := instance(t, "source", map[string]any{"count": 20000}), newPlace()
	pids := make(chan int, 10)
	done := make(chan error, 1)
	go func() { done <- i.RunSource(t.Context(), p, store) }()
	go func() {
		for range 2 {
			<-p.fresh
			for _, pid := range hosttest.Children(os.Getpid()) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				pids <- pid
			}
		}
		close(pids)
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(pids) == 0 {
		t.Error("the fault did not hit")
	}
	want(t, p.values(), 20000, 1<<20) // the state is saved now and then, so much may come twice
}

func TestAStopFinishesWhatIsUnderWay(t *testing.T) {
	store := state.NewFile(filepath.Join(t.TempDir(), "state"))
	defer store.Close()
	i, p := instance(t, "source", map[string]any{"count": 1000, "stay": true}), newPlace()
	p.slow = make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- i.RunSource(ctx, p, store) }()
	<-p.fresh
	stop()
	close(p.slow)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	saved, err := store.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := p.values(); saved == nil || saved.Positions[""] != got[len(got)-1] {
		t.Errorf("saved %v after %s", saved, got[len(got)-1])
	}
}

func TestWhatAConnectorSaysEndsTheRun(t *testing.T) {
	i := instance(t, "source", nil)
	i.Args = []string{"--count", "x"}
	err := i.RunSource(t.Context(), newPlace(), nil)
	if err == nil || !strings.Contains(err.Error(), "--count") {
		t.Errorf("RunSource returned %v", err)
	}
}

// A fence is a transport.Writer that refuses one value for good.
type fence struct {
	*place
	value string
}

func (f *fence) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	if string(rec.Value) == f.value {
		settled(&transport.Rejected{Err: errors.New("not this one")})
		return nil
	}
	return f.place.Write(ctx, rec, settled)
}

func TestARecordThatThePlatformRefusesForGood(t *testing.T) {
	i := instance(t, "source", map[string]any{"count": 10})
	begin := time.Now()
	err := i.RunSource(t.Context(), &fence{newPlace(), "7"}, nil)
	if err == nil || !strings.Contains(err.Error(), "not this one") {
		t.Errorf("RunSource returned %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the source hears that it is for good, and yet sent it again for %s", took)
	}
	p := newPlace()
	i.OnError = delivery.Skip
	if err := i.RunSource(t.Context(), &fence{p, "7"}, nil); err != nil {
		t.Error(err)
	}
	if got := strings.Join(p.values(), " "); got != "1 2 3 4 5 6 8 9 10" {
		t.Errorf("the platform got %s", got)
	}
}

func TestConfigureTellsEveryProblem(t *testing.T) {
	i := instance(t, "source", nil)
	_, err := i.Program.Configure(t.Context(), i.Env, t.TempDir(), "test", map[string]any{"count": -1, "stey": true})
	var refused *connector.Refused
	if !errors.As(err, &refused) || len(refused.Problems) != 2 {
		t.Fatalf("Configure returned %v", err)
	}
	for _, part := range []string{"count", "stey"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
}

// A queue is a transport.Reader of numbers.
type queue struct {
	mu    sync.Mutex
	next  int
	last  int
	acked map[int]int
}

func (q *queue) Read(ctx context.Context, limit int, _ time.Duration) ([]transport.Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []transport.Message
	for len(out) < limit && q.next < q.last {
		q.next++
		n := q.next
		out = append(out, transport.Message{Record: record.Record{Value: []byte(strconv.Itoa(n))}, Attempt: 1, Ack: func() error {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.acked[n]++
			return nil
		}})
	}
	if len(out) == 0 {
		return nil, io.EOF
	}
	return out, nil
}

func (q *queue) Flush(context.Context) error { return nil }
func (q *queue) Close() error                { return nil }

func TestASinkWritesAndAcknowledgesEverything(t *testing.T) {
	for _, kill := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %v", kill), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			i := instance(t, "sink", map[string]any{"path": path})
			i.Limits.MaxInFlight = 1000 // a batch of the child's fills, which would wait for more
			q := &queue{last: 5000, acked: map[int]int{}}
			done := make(chan error, 1)
			go func() { done <- i.RunSink(t.Context(), q) }()
			if kill {
				hosttest.Await(t, "lines", func() bool { info, err := os.Stat(path); return err == nil && info.Size() > 0 })
				for _, pid := range hosttest.Children(os.Getpid()) {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			twice := 0
			if kill {
				twice = i.Limits.MaxInFlight // what the child had
			}
			want(t, strings.Fields(string(text)), 5000, twice)
			for n := 1; n <= 5000; n++ {
				if q.acked[n] != 1 {
					t.Fatalf("%d was acknowledged %d times", n, q.acked[n])
				}
			}
		})
	}
}

func TestARecordThatASinkRefusesForGoodEndsTheRun(t *testing.T) {
	i := instance(t, "sink", map[string]any{"path": filepath.Join(t.TempDir(), "out"), "refuse": "7"})
	err := i.RunSink(t.Context(), &queue{last: 10, acked: map[int]int{}})
	if err == nil || !strings.Contains(err.Error(), "7 is refused") {
		t.Errorf("RunSink returned %v", err)
	}
}
