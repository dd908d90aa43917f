package proc

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// caged runs a script in a cage.
func caged(t *testing.T, cage *Cage, script string) (Result, error) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux holds processes in a cage")
	}
	return Run(Within(t.Context(), cage), spec(script))
}

// What leaves its group and its session outlives a kill of the group.
func TestCageEndsWhatHasEscaped(t *testing.T) {
	tests := []struct{ name, script string }{ // each writes the process to the file $1 once it has escaped
		{"and is silent", `setsid sh -c 'echo $$ >"$0"; exec sleep 600' "$1" >/dev/null 2>&1 &`},
		{"and holds the output open", `setsid sh -c 'echo $$ >"$0"; exec sleep 600' "$1" &`},
		{"and has no parent", `setsid sh -c '(echo $$ >"$0"; exec sleep 600) &' "$1" >/dev/null &`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var cage Cage
			file := t.TempDir() + "/pid"
			script := "set -- " + file + "; " + tt.script + ` while [ ! -s "$1" ]; do :; done; cat "$1"`
			result, err := caged(t, &cage, script)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(result.Stdout)))
			if err != nil {
				t.Fatal(err)
			}
			if alive(pid) {
				t.Errorf("process %d lives on", pid)
			}
			if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
				t.Error("its remains are not waited for")
			}
			if got := cage.Escaped(); !slices.Equal(got, []string{"sleep"}) {
				t.Errorf("escaped %q", got)
			}
		})
	}
}

func TestCageBlamesNobodyForWhatEnds(t *testing.T) {
	var cage Cage
	if _, err := caged(t, &cage, "setsid sleep 0.1 >/dev/null 2>&1 & sleep 600 >/dev/null 2>&1 & :"); err != nil || len(cage.Escaped()) > 0 {
		t.Errorf("escaped %q, %v", cage.Escaped(), err)
	}
}

// Two runs beside each other must not end each other's processes.
func TestCageKnowsItsOwn(t *testing.T) {
	var one, other Cage
	ended := make(chan error)
	mark := t.TempDir() + "/ready"
	go func() {
		_, err := caged(t, &one, "setsid sh -c 'touch "+mark+"; sleep 1; exit 7' & wait $!; test $? = 7")
		ended <- err
	}()
	await(t, mark)
	if _, err := caged(t, &other, "true"); err != nil || len(other.Escaped()) > 0 {
		t.Errorf("escaped %q, %v", other.Escaped(), err)
	}
	if err := <-ended; err != nil || len(one.Escaped()) > 0 {
		t.Errorf("escaped %q, %v", one.Escaped(), err)
	}
}

// A process without an environment is nobody's, and ends all the same.
func TestRemains(t *testing.T) {
	var cage Cage
	result, err := caged(t, &cage, "exec env -i setsid sh -c 'sleep 600 >/dev/null 2>&1 & echo $!'")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(result.Stdout)))
	if err != nil || len(cage.Escaped()) > 0 {
		t.Fatalf("%v, escaped %q", err, cage.Escaped())
	}
	if got := Remains(); len(got) != 1 || alive(pid) {
		t.Errorf("remains %q, process %d alive: %v", got, pid, alive(pid))
	}
}

func TestCageLimits(t *testing.T) {
	dir := t.TempDir()
	const limited = "until [ \"$(ulimit -d)\" != unlimited ]; do :; done; " // which it is soon after its start
	tests := []struct {
		name, script string
		cage         *Cage
		want         error
	}{
		{"a large file", limited + "head -c 2000000 /dev/zero >" + dir + "/a", &Cage{File: 1 << 20, Memory: 64 << 20}, ErrFile},
		{"a file of another process", limited + "(head -c 2000000 /dev/zero) >" + dir + "/b; exit", &Cage{File: 1 << 20, Memory: 64 << 20}, ErrFile},
		{"a small file", "head -c 1000000 /dev/zero >" + dir + "/c", &Cage{File: 1 << 20, Memory: 64 << 20}, nil},
		{"much memory", limited + "dd if=/dev/zero of=/dev/null bs=900M count=1", &Cage{Memory: 64 << 20}, ErrMemory},
		{"little memory", limited + "dd if=/dev/zero of=/dev/null bs=1M count=1", &Cage{Memory: 64 << 20}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if result, err := caged(t, tt.cage, tt.script); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v; %s", err, tt.want, result.Stderr)
			}
		})
	}
}

func TestCageShortensDeadlines(t *testing.T) {
	late := 0
	cage := Cage{Longest: 50 * time.Millisecond, Late: func() { late++ }}
	if _, err := Run(Within(context.Background(), &cage), spec("sleep 600")); !errors.Is(err, ErrDeadline) {
		t.Errorf("error %v", err)
	}
	if missed := cage.Missed(); late != 1 || len(missed) != 1 || missed[0] != "sh -c sleep 600: did not end in time and was killed (limit 50ms)" {
		t.Errorf("%d times, %q", late, missed)
	}
}
