package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnAdapterIsMeasuredInTurnWithTheConnectorAlone(t *testing.T) {
	dir := t.TempDir()
	say := func(who string) func(string) task {
		return func(round string) task {
			return task{argv: [][]string{{"sh", "-c", "echo " + who + round + " >>log"}}, dir: dir, env: cleanEnv(dir)}
		}
	}
	h := hosted{name: "x", records: 1000, adapter: say("adapter"), alone: say("alone"), note: "; note"}
	figures, err := h.measure(t.Context())
	if err != nil || len(figures) != 3 {
		t.Fatalf("%v, %v", figures, err)
	}
	for i, want := range []string{"x", "x, CPU a record", "x, memory"} {
		if f := figures[i]; f.Name != want || !strings.HasPrefix(f.Note, "memory-source alone: ") {
			t.Errorf("figure %+v, want %s", f, want)
		}
	}
	if !strings.HasSuffix(figures[1].Note, "; note") {
		t.Errorf("note %q", figures[1].Note)
	}
	want := "adapter0\nalone0\nadapter1\nalone1\nadapter2\nalone2\n"
	if text, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
	lost := errors.New("lost")
	h.check = func(task) error { return lost }
	if _, err := h.measure(t.Context()); !errors.Is(err, lost) {
		t.Errorf("records are lost, and the error is %v", err)
	}
}

func TestTheTargetCountsWhatItTakes(t *testing.T) {
	target, err := startTarget()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = target.server.Close() })
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, target.url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK || target.taken.Load() != 1 {
		t.Errorf("%v, %v, %d taken", answer, err, target.taken.Load())
	}
	_ = answer.Body.Close()
}
