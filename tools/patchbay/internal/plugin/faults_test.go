package plugin_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin/c1test"
)

func TestAPageThatTheHostRefusesEndsTheSync(t *testing.T) {
	r := run(t, []string{"PLUGIN_PAGE=2"}, "-refuse", "2", "-options", "count: 9")
	if r.code != "Unknown" || !strings.Contains(r.err, "the database is full") || len(r.pages) != 1 {
		t.Errorf("the host got %+v", r)
	}
}

func TestTheHostMustServeTheStream(t *testing.T) {
	if r := run(t, nil, "-stream=false"); !strings.Contains(r.err, "the host serves no CallbackHandler on stream") {
		t.Errorf("the host got %+v", r)
	}
}

func TestOnlyAHostStartsIt(t *testing.T) {
	for _, cookie := range []string{"", "goodbye"} {
		if r := run(t, nil, "-cookie", cookie); r.err == "" || len(r.ids) > 0 {
			t.Errorf("with the cookie %q the host got %+v", cookie, r)
		}
	}
}

func TestAChildThatIsKilledIsReplaced(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	p := start(t, []string{"PLUGIN_PAGE=10"}, "-options", "{count: 20000, pid: "+pid+"}")
	seen := map[string]bool{}
	for l, ok := p.line(); ok; l, ok = p.line() {
		if len(seen) == 0 {
			kill(t, pid)
		}
		for _, o := range l.Page {
			seen[o.RemoteId] = true
		}
		if l.Error != "" {
			t.Fatal(l.Error)
		}
	}
	if len(seen) != 20000 {
		t.Errorf("%d numbers arrived", len(seen))
	}
	_ = p.cmd.Wait() // it is the whole log then
	if !strings.Contains(p.stderr.String(), "starting it again") {
		t.Error("the fault did not hit")
	}
}

func TestTheEndOfTheHostIsTheEndOfAll(t *testing.T) {
	for _, options := range []string{"stay: true", "{count: 100000, stay: true}"} {
		pid := filepath.Join(t.TempDir(), "pid")
		p := start(t, []string{"PLUGIN_PAGE=1"}, "-hold", "2", "-options", "{pid: "+pid+", "+strings.Trim(options, "{}")+"}")
		p.line() // so everything runs
		connector := number(t, pid)
		plugin := parentOf(t, connector)
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for _, process := range []int{connector, plugin} {
			hosttest.Await(t, fmt.Sprintf("the end of %d", process), func() bool {
				return !alive(process)
			})
		}
		left, err := filepath.Glob(filepath.Join(p.temp, "patchbay-plugin-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("%v is left behind, %v", left, err)
		}
	}
}

func TestASourceThatGivesUpIsNotStartedAgain(t *testing.T) {
	p := start(t, nil, "-options", "fail: no such bucket")
	var last c1test.Line
	for l, ok := p.line(); ok; l, ok = p.line() {
		last = l
	}
	_ = p.cmd.Wait() // it is the whole log then
	if !strings.Contains(last.Error, "no such bucket") || strings.Contains(p.stderr.String(), "starting it again") {
		t.Errorf("the host got %+v", &last)
	}
}
