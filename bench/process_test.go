package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestATaskPipesItsPrograms(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, []byte("b\na\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := task{argv: [][]string{{"sort"}, {"uniq"}, {"cat"}}, env: cleanEnv(dir), stdin: in, out: out}.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if c.wall <= 0 || c.cpu <= 0 {
		t.Errorf("cost %+v", c)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != "a\nb\n" {
		t.Errorf("%q, %v", text, err)
	}
	if n, err := countLines(out); err != nil || n != 2 {
		t.Errorf("%d lines, %v", n, err)
	}
}

func TestATaskThatFailsSaysWhichProgramAndWhy(t *testing.T) {
	tests := []struct {
		name string
		argv [][]string
		want string
	}{
		{"a status", [][]string{{"sh", "-c", "echo first >&2; echo why >&2; exit 3"}, {"cat"}}, "sh: exit status 3: why"},
		{"no such program", [][]string{{"sh", "-c", "cat"}, {"/nonexistent"}}, "/nonexistent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := task{argv: tt.argv, env: cleanEnv(t.TempDir())}.run(context.Background())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestATaskEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := (task{argv: [][]string{{"sleep", "60"}}, env: cleanEnv(t.TempDir())}).run(ctx); err == nil {
		t.Error("no error")
	}
}

func TestTasksTakeTurns(t *testing.T) {
	dir := t.TempDir()
	say := func(word string) task {
		return task{argv: [][]string{{"sh", "-c", "echo " + word + " >>log"}}, dir: dir, env: cleanEnv(dir)}
	}
	costs, err := alternate(context.Background(), 2, say("a"), say("b"))
	if err != nil || len(costs) != 2 {
		t.Fatalf("%v, %v", costs, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "log")); err != nil || string(text) != "a\nb\na\nb\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestThePeakIsThatOfTheProgramAndNotOurs(t *testing.T) {
	ours := bytes.Repeat([]byte("x"), 64<<20)
	c, err := task{argv: [][]string{{"sleep", "0.1"}}}.run(t.Context())
	if err != nil || c.peak == 0 || c.peak >= int64(len(ours)) {
		t.Errorf("%d bytes, %v", c.peak, err)
	}
	runtime.KeepAlive(ours)
}

func TestPeaksAreReadOfWhateverAProgramStarts(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sh -c 'cat; :'; :")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	if _, err := in.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // so that cat runs, and the others wait for it
		t.Fatal(err)
	}
	if all := family(strconv.Itoa(cmd.Process.Pid)); len(all) != 3 {
		t.Errorf("the processes are %v", all)
	}
	largest, together := watchPeaks(cmd.Process.Pid, false)() // reads once at least
	if largest == 0 || together <= largest {
		t.Errorf("%d bytes, and %d of three programs", largest, together)
	}
	if _, others := watchPeaks(cmd.Process.Pid, true)(); others == 0 || others >= together {
		t.Errorf("%d bytes of those that a starter has started, and %d with it", others, together)
	}
}

func TestTheMemoryOfAStarterDoesNotCount(t *testing.T) {
	c, err := task{argv: [][]string{{"sleep", "0.1"}}, starter: true}.run(t.Context())
	if err != nil || c.peak != 0 || c.all != 0 {
		t.Errorf("cost %+v, %v", c, err)
	}
}

func TestMedian(t *testing.T) {
	values := []float64{3, 1, 2}
	if got := median(values); got != 2 {
		t.Errorf("got %v", got)
	}
	if values[0] != 3 {
		t.Error("the values were sorted in place")
	}
}
