package vanus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
)

func TestASourceSendsStructuredEventsAndResumes(t *testing.T) {
	url, dir := startTarget(t)
	store := filepath.Join(t.TempDir(), "store.json")
	config := "target: " + url + "\nname: ours\nstore_config: {type: file, store_file: " + store + "}\n"
	for _, count := range []string{"3", "5"} { // the second goes on where the first ended
		if err := start(t, "source", config+"count: "+count).end(t, false); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"ok 1 ours", "ok 2 ours", "ok 3 ours", "ok 4 ours", "ok 5 ours"}
	if got := events(dir); !slices.Equal(got, want) {
		t.Errorf("the target got %q, want %q", got, want)
	}
}

func TestAnEventIsAttemptedAsOftenAsItSays(t *testing.T) {
	tests := []struct {
		name, config, status string
		want                 []string
		ends                 string // the error; empty for a clean end
	}{
		{
			"three times by default, then the source fails", "count: 3", "503 2",
			[]string{"ok 1", "503 2", "503 2", "503 2"},
			"503 Service Unavailable: not now (attempt 3 of 3)",
		},
		{
			"what the server finds wrong with it makes no difference", "count: 2\nsend_event_attempts: 2", "400 2",
			[]string{"ok 1", "400 2", "400 2"},
			"(attempt 2 of 2)",
		},
		{
			"a source that skips goes on", "count: 3\nsend_event_attempts: 1\non_error: skip", "500 2",
			[]string{"ok 1", "500 2", "ok 3"},
			"",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			url, dir := startTarget(t)
			answerWith(t, dir, tt.status)
			err := start(t, "source", "target: "+url+"\n"+tt.config).end(t, false)
			if (err == nil) != (tt.ends == "") || err != nil && !strings.Contains(err.Error(), tt.ends) {
				t.Errorf("the run ended with %v, want %q", err, tt.ends)
			}
			var seen []string
			for _, event := range events(dir) {
				seen = append(seen, strings.Join(strings.Fields(event)[:2], " "))
			}
			if !slices.Equal(seen, tt.want) {
				t.Errorf("the target got %q, want %q", seen, tt.want)
			}
		})
	}
}

func TestNoAttemptsMeansNoEndOfThem(t *testing.T) {
	url, dir := startTarget(t)
	answerWith(t, dir, "400 2")
	r := start(t, "source", "target: "+url+"\ncount: 3\nsend_event_attempts: 0")
	hosttest.Await(t, "more attempts than the default", func() bool { return len(events(dir)) > 5 })
	answerWith(t, dir, "")
	if err := r.end(t, false); err != nil {
		t.Fatal(err)
	}
	if got := events(dir); !strings.HasPrefix(got[len(got)-1], "ok 3") {
		t.Errorf("the target got %q", got)
	}
}

func TestASourceThatIsKilledGoesOn(t *testing.T) {
	url, dir := startTarget(t)
	r := start(t, "source", "target: "+url+"\ncount: 2000")
	hosttest.Await(t, "events", func() bool { return len(events(dir)) > 50 })
	if err := syscall.Kill(childOf(t, "source"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := r.end(t, false); err != nil {
		t.Fatal(err)
	}
	whole(t, events(dir), 2000)
}

func TestAChangeOfTheConfigurationUnderLoadLosesNothing(t *testing.T) {
	url, dir := startTarget(t)
	store := filepath.Join(t.TempDir(), "store.json")
	config := "target: " + url + "\nstore_config: {type: file, store_file: " + store + "}\ncount: 3000\n"
	for seen := range 3 {
		r := start(t, "source", config+"send_event_attempts: "+strconv.Itoa(seen+1))
		hosttest.Await(t, "events", func() bool { return len(events(dir)) > 200*(seen+1) })
		if err := r.end(t, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := start(t, "source", config).end(t, false); err != nil {
		t.Fatal(err)
	}
	whole(t, events(dir), 3000)
}

// whole checks that every number up to n has arrived.
func whole(t *testing.T, events []string, n int) {
	t.Helper()
	seen := map[string]bool{}
	for _, event := range events {
		seen[strings.Fields(event)[1]] = true
	}
	for i := 1; i <= n; i++ {
		if !seen[strconv.Itoa(i)] {
			t.Fatalf("%d is lost", i)
		}
	}
}

func TestASinkAnswersWithWhatBecameOfEachEvent(t *testing.T) {
	path, port := filepath.Join(t.TempDir(), "out"), freePort(t)
	r := start(t, "sink", "port: "+port+"\npath: "+path)
	hosttest.Await(t, "the port", func() bool { return send(t, "http://127.0.0.1:"+port+"/", "first")[0] == "200 accepted" })
	got := send(t, "http://127.0.0.1:"+port+"/any/path", "a", "poison", "b")
	want := []string{"200 accepted", "422 poison is refused", "200 accepted"}
	if !slices.Equal(got, want) {
		t.Errorf("the answers are %q, want %q", got, want)
	}
	if text, _ := os.ReadFile(path); string(text) != "first\na\nb\n" {
		t.Errorf("the sink wrote %q", text)
	}
	if err := r.end(t, true); err != nil {
		t.Error(err)
	}
}

func TestASinkThatIsKilledGoesOn(t *testing.T) {
	path, port := filepath.Join(t.TempDir(), "out"), freePort(t)
	r := start(t, "sink", "port: "+port+"\npath: "+path)
	url := "http://127.0.0.1:" + port + "/"
	hosttest.Await(t, "the port", func() bool { return send(t, url, "first")[0] == "200 accepted" })
	if err := syscall.Kill(childOf(t, "sink"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := send(t, url, "second"); got[0] != "200 accepted" {
		t.Errorf("the answer is %q", got)
	}
	if text, _ := os.ReadFile(path); string(text) != "first\nsecond\n" {
		t.Errorf("the sink wrote %q", text)
	}
	if err := r.end(t, true); err != nil {
		t.Error(err)
	}
}

func TestASinkInTroubleAnswersWithTheReasonBeforeSendersGiveUp(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	r := startProgram(t, self(t), part("sink"), 500*time.Millisecond, "port: "+port+"\nretry_max_wait: 50ms\npath: "+filepath.Join(dir, "not", "there"))
	url := "http://127.0.0.1:" + port + "/"
	hosttest.Await(t, "the port", func() bool { return !strings.Contains(send(t, url, "")[0], "refused") })
	if got := send(t, url, "a"); !strings.HasPrefix(got[0], "503 ") || !strings.Contains(got[0], "no such file") {
		t.Errorf("the answer is %q", got)
	}
	if err := os.Mkdir(filepath.Join(dir, "not"), 0o700); err != nil {
		t.Fatal(err)
	}
	hosttest.Await(t, "the mended sink", func() bool { return send(t, url, "a")[0] == "200 accepted" })
	r.stop()
	_ = r.end(t, true)
}

func TestASinkInAnotherLanguageMayRefuseAnEvent(t *testing.T) {
	script := filepath.Join(t.TempDir(), "shell-sink")
	if err := os.WriteFile(script, []byte(`#!/bin/sh
case $1 in metadata) exit 1 ;; validate) exit 0 ;; esac
exec 1>&3 # frames go to the descriptor that patchbay names
printf '%s\n' '{"link":1}' '{"credit":10}'
line=0
while IFS= read -r frame; do
  line=$((line + 1))
  case $frame in
    *poison*) echo "{\"nack\":\"$line\",\"error\":\"no poison here\",\"permanent\":true}" ;;
    *\"record\"*) echo "{\"ack\":\"$line\"}" ;;
    *\"stop\"*) exit 0 ;;
  esac
done
`), 0o700); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	url := "http://127.0.0.1:" + port + "/"
	r := startProgram(t, script, nil, 0, "port: "+port)
	hosttest.Await(t, "the port", func() bool { return send(t, url, "first")[0] == "200 accepted" })
	if got := send(t, url, "poison", "b"); !slices.Equal(got, []string{"422 no poison here", "200 accepted"}) {
		t.Errorf("the answers are %q", got)
	}
	if err := r.end(t, true); err != nil {
		t.Error(err)
	}
}

func TestAConfigurationThatTheConnectorRefusesIsNotRun(t *testing.T) {
	err := start(t, "source", "target: http://127.0.0.1:1/\ncuont: 3\nsecret: {token: hush, token2: hush}").end(t, false)
	var refused *connector.Refused
	if !errors.As(err, &refused) || len(refused.Problems) != 2 || strings.Contains(err.Error(), "hush") {
		t.Fatalf("the run ended with %v", err)
	}
	if want := `did you mean "count"?`; !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not say %s", err, want)
	}
	var invalid *Invalid
	if err := start(t, "source", "target: http://127.0.0.1:1/\non_error: dead-letter").end(t, false); !errors.As(err, &invalid) {
		t.Errorf("dead letters of a source: %v", err)
	}
}

func TestArgumentsOfTheConnectorWin(t *testing.T) {
	url, dir := startTarget(t)
	if err := start(t, "source", "target: "+url+"\ncount: 5", "--count", "2").end(t, false); err != nil {
		t.Fatal(err)
	}
	if got := events(dir); len(got) != 2 {
		t.Errorf("the target got %q", got)
	}
}

// childOf returns the process of ours that plays a part.
func childOf(t *testing.T, role string) int {
	t.Helper()
	for _, pid := range hosttest.Children(os.Getpid()) {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if strings.Contains(string(environ), "\x00"+partVariable+"="+role+"\x00") {
			return pid
		}
	}
	t.Fatalf("there is no %s", role)
	return 0
}
