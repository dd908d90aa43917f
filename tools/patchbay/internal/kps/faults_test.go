package kps

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

func TestAChangeOfTheConfigLosesNothingOfASource(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	got := p.subscribe("a")
	p.mustSet(ingress("a", "a", map[string]any{"pause": "100us"}))
	for i := range 5 {
		word := strings.Repeat("x", i+1)
		p.mustSet(config(map[string]any{"word": word}))
		await(t, "records with "+word, func() bool {
			return slices.ContainsFunc(got.lines(), func(line string) bool { return strings.HasPrefix(line, word+" ") })
		})
	}
	p.mustSet()
	await(t, "the end", func() bool { return len(p.children()) == 0 })
	if err := p.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, twice := wantNumbers(t, got.lines()); twice != 0 {
		t.Errorf("%d records came twice", twice)
	}
}

func TestAChangeOfTheConfigLosesNothingOfASink(t *testing.T) {
	p := newPlatform(t, nil, sinkName)
	path := filepath.Join(t.TempDir(), "out")
	p.mustSet(egress("a", "a", map[string]any{"path": path}))
	p.awaitState("a", pb.State_STATE_HEALTHY)
	stop, sent := p.load("a")
	for i := range 5 {
		word := strings.Repeat("x", i+1)
		p.mustSet(config(map[string]any{"word": word}))
		await(t, "lines with "+word, func() bool {
			return slices.ContainsFunc(fileLines(path), func(line string) bool { return strings.HasPrefix(line, word+" ") })
		})
	}
	stop()
	awaitNumber(t, path, *sent)
	if last, twice := wantNumbers(t, fileLines(path)); last != *sent || twice != 0 {
		t.Errorf("%d of %d came, %d twice", last, *sent, twice)
	}
}

// load publishes numbers, in messages of three, until stop is called; sent is how many those were.
func (p *platform) load(subject string) (stop func(), sent *int) {
	end, n := make(chan struct{}), 0
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(500 * time.Microsecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.publish(subject, fmt.Sprint(n+1), fmt.Sprint(n+2), fmt.Sprint(n+3))
				n += 3
			case <-end:
				return
			}
		}
	})
	return func() { close(end); running.Wait() }, &n
}

func TestAConnectorThatIsKilledIsReplaced(t *testing.T) {
	p := newPlatform(t, nil, sourceName, sinkName)
	path, got := filepath.Join(t.TempDir(), "out"), p.subscribe("in")
	p.mustSet(ingress("in", "in", map[string]any{"pause": "200us"}), egress("out", "out", map[string]any{"path": path}))
	p.awaitState("in", pb.State_STATE_HEALTHY)
	p.awaitState("out", pb.State_STATE_HEALTHY)
	stop, sent := p.load("out")
	for range 3 {
		await(t, "two connectors", func() bool { return len(p.children()) == 2 })
		in, out := len(got.lines()), len(fileLines(path))
		await(t, "records both ways", func() bool { return len(got.lines()) > in && len(fileLines(path)) > out })
		for _, pid := range p.children() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		await(t, "records after the kill", func() bool { return len(got.lines()) > in+100 && len(fileLines(path)) > out+100 })
	}
	stop()
	awaitNumber(t, path, *sent) // not as many lines: those that came twice count twice
	p.mustSet()
	await(t, "the end", func() bool { return len(p.children()) == 0 })
	wantNumbers(t, got.lines())
	if last, _ := wantNumbers(t, fileLines(path)); last != *sent {
		t.Errorf("%d of %d came", last, *sent)
	}
}

func TestAConnectorInTroubleIsUnhealthyForThatTime(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	needs := filepath.Join(t.TempDir(), "needs")
	p.mustSet(ingress("a", "a", map[string]any{"needs": needs, "count": 0, "stay": true}))
	for range 2 {
		p.awaitState("a", pb.State_STATE_UNHEALTHY)
		if _, text := p.status("a"); !strings.Contains(text, needs) {
			t.Errorf("the status says %q", text)
		}
		if err := os.WriteFile(needs, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		p.awaitState("a", pb.State_STATE_HEALTHY)
		if err := os.Remove(needs); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConnectorsEndWithTheAdapter(t *testing.T) {
	p := newPlatform(t, nil, sourceName, sinkName)
	path := filepath.Join(t.TempDir(), "out")
	p.mustSet(ingress("in", "in", nil), egress("out", "out", map[string]any{"path": path}))
	await(t, "two connectors", func() bool { return len(p.children()) == 2 })
	p.awaitState("in", pb.State_STATE_HEALTHY)
	pids := p.children()
	p.stop(syscall.SIGKILL)
	for _, pid := range pids {
		await(t, "the end of a connector", func() bool { return syscall.Kill(pid, 0) != nil })
	}
}

func TestABrokerThatGoesAwayAndComesBack(t *testing.T) {
	p := newPlatform(t, nil, sourceName)
	got := p.subscribe("a")
	p.mustSet(ingress("a", "a", map[string]any{"pause": "1ms"}), ingress("quiet", "quiet", map[string]any{"count": 0, "stay": true}))
	await(t, "records", func() bool { return len(got.lines()) > 10 })
	p.awaitState("quiet", pb.State_STATE_HEALTHY)
	p.stopBroker()
	await(t, "an alert", func() bool { return p.alert("a", publishFailed).GetState() == pb.State_STATE_UNHEALTHY })
	p.awaitState("a", pb.State_STATE_UNHEALTHY)
	p.awaitState("quiet", pb.State_STATE_UNHEALTHY)
	before := len(got.lines())
	p.startBroker()
	await(t, "records again", func() bool { return len(got.lines()) > before+10 })
	await(t, "the end of the alert", func() bool { return p.alert("a", publishFailed).GetState() == pb.State_STATE_HEALTHY })
	p.awaitState("a", pb.State_STATE_HEALTHY)
	p.awaitState("quiet", pb.State_STATE_HEALTHY)
}

func TestABrokerThatIsThereLater(t *testing.T) {
	p := newPlatform(t, nil, sourceName, sinkName)
	p.stopBroker()
	path := filepath.Join(t.TempDir(), "out")
	p.mustSet(ingress("in", "in", nil), egress("out", "out", map[string]any{"path": path}))
	p.awaitState("in", pb.State_STATE_FAILED)
	await(t, "an alert", func() bool { return p.alert("out", subscribeFailed).GetState() == pb.State_STATE_UNHEALTHY })
	p.startBroker()
	p.awaitState("in", pb.State_STATE_HEALTHY)
	p.awaitState("out", pb.State_STATE_HEALTHY)
	if state := p.alert("out", subscribeFailed).GetState(); state != pb.State_STATE_HEALTHY {
		t.Errorf("the alert is still %v", state)
	}
}

func TestAMessageThatIsNoTransportMessage(t *testing.T) {
	p := newPlatform(t, nil, sinkName)
	path := filepath.Join(t.TempDir(), "out")
	p.mustSet(egress("a", "a", map[string]any{"path": path}))
	p.awaitState("a", pb.State_STATE_HEALTHY)
	for _, body := range []string{"\xff", ""} {
		if err := p.nc.Publish("a", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	p.publish("a", "one", "two")
	await(t, "the good ones", func() bool { return slices.Equal(fileLines(path), []string{"n one", "n two"}) })
	if a := p.alert("a", messageRefused); a == nil {
		t.Error("there is no alert")
	}
}

// What is one stream's is changed by another direction, channel or set of options, without a trace of the former.
func TestAStreamThatChanges(t *testing.T) {
	p := newPlatform(t, nil, sourceName, sinkName)
	first, second := p.subscribe("first"), p.subscribe("second")
	p.mustSet(ingress("a", "first", nil))
	await(t, "records", func() bool { return len(first.lines()) > 10 })
	p.mustSet(ingress("a", "second", nil))
	await(t, "records elsewhere", func() bool { return len(second.lines()) > 10 })
	path := filepath.Join(t.TempDir(), "out")
	p.mustSet(egress("a", "second", map[string]any{"path": path}))
	await(t, "the other direction", func() bool { p.publish("second", "x"); return len(fileLines(path)) > 0 })
	if _, twice := wantNumbers(t, append(first.lines(), slices.DeleteFunc(second.lines(), func(s string) bool { return s == "x" })...)); twice != 0 {
		t.Errorf("%d records came twice", twice)
	}
	p.mustSet(egress("a", "second", map[string]any{"path": path + "2"}))
	await(t, "another file", func() bool { p.publish("second", "x"); return len(fileLines(path+"2")) > 0 })
}
