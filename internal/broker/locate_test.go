package broker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// kill ends the fake broker behind e and waits until it no longer answers.
func kill(t *testing.T, e broker.Endpoint) {
	t.Helper()
	p, err := os.FindProcess(e.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	for e.Probe(t.Context()) == nil {
	}
}

func store(t *testing.T, env broker.Env) string {
	t.Helper()
	dir, err := broker.StoreDir(env)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func starts(t *testing.T, env broker.Env) int {
	t.Helper()
	marks, err := filepath.Glob(filepath.Join(store(t, env), "started-*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(marks)
}

func TestLocateStartsOneBrokerForManyCallers(t *testing.T) {
	env, _ := sandbox(t)
	installFake(t, env)
	ctx := testContext(t)
	const callers = 8
	var (
		wg   sync.WaitGroup
		got  [callers]broker.Endpoint
		errs [callers]error
	)
	for i := range callers {
		wg.Go(func() { got[i], errs[i] = broker.Locate(ctx, env) })
	}
	wg.Wait()
	for i := range callers {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if got[i] != got[0] {
			t.Errorf("caller %d found %+v, caller 0 %+v", i, got[i], got[0])
		}
	}
	t.Cleanup(func() { kill(t, got[0]) })
	if n := starts(t, env); n != 1 {
		t.Errorf("%d brokers were started, want 1", n)
	}
}

func TestLocateReplacesABrokerThatDied(t *testing.T) {
	env, vars := sandbox(t)
	installFake(t, env)
	vars["PATCHBAY_BIN"] = "/nowhere/patchbay" // the binary beside the connector comes first
	ctx := testContext(t)
	first, err := broker.Locate(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	kill(t, first)
	second, err := broker.Locate(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(t, second) })
	if second.ServerID == first.ServerID || starts(t, env) != 2 {
		t.Errorf("the dead broker was not replaced: %d starts", starts(t, env))
	}
}

func TestLocateSaysWhatIsWrong(t *testing.T) {
	ways := []string{"beside this connector", "PATCHBAY_BIN", "--broker URL", "--topic -"}
	tests := []struct {
		name    string
		prepare func(t *testing.T, env *broker.Env, vars map[string]string)
		want    string
	}{
		{"no binary", func(*testing.T, *broker.Env, map[string]string) {}, "PATCHBAY_BIN is not set"},
		{"PATCHBAY_BIN names nothing", func(_ *testing.T, _ *broker.Env, vars map[string]string) {
			vars["PATCHBAY_BIN"] = "/nowhere/patchbay"
		}, "/nowhere/patchbay, which is no program"},
		{"PATCHBAY_BIN is relative", func(_ *testing.T, _ *broker.Env, vars map[string]string) {
			vars["PATCHBAY_BIN"] = "patchbay"
		}, "must be an absolute path"},
		{"the search path is not used", func(t *testing.T, env *broker.Env, vars map[string]string) {
			other := *env
			other.Executable = filepath.Join(t.TempDir(), "x")
			installFake(t, other)
			vars["PATH"] = filepath.Dir(other.Executable)
		}, "PATCHBAY_BIN is not set"},
		{"the broker fails", func(t *testing.T, env *broker.Env, _ map[string]string) {
			installFake(t, *env)
			if err := os.WriteFile(filepath.Join(store(t, *env), "refuse"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "exit status 1; see "},
		{"the broker ends at once", func(t *testing.T, env *broker.Env, _ map[string]string) {
			installFake(t, *env)
			if err := os.WriteFile(filepath.Join(store(t, *env), "vanish"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "it ended at once; see "},
		{"an open runtime folder", func(t *testing.T, _ *broker.Env, vars map[string]string) {
			if err := os.Mkdir(filepath.Join(vars["XDG_RUNTIME_DIR"], "patchbay"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(vars["XDG_RUNTIME_DIR"], "patchbay"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, "open to other users (mode 0755)"},
		{"no home", func(t *testing.T, env *broker.Env, vars map[string]string) {
			installFake(t, *env)
			delete(vars, "HOME")
			delete(vars, "XDG_DATA_HOME")
		}, "set HOME or XDG_DATA_HOME"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env, vars := sandbox(t)
			tt.prepare(t, &env, vars)
			_, err := broker.Locate(testContext(t), env)
			var unavailable *broker.UnavailableError
			if !errors.As(err, &unavailable) {
				t.Fatalf("error %v is no UnavailableError", err)
			}
			for _, want := range append(ways, tt.want) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has more than one line: %q", err)
			}
		})
	}
}

func TestLocateEndsWithItsContext(t *testing.T) {
	env, _ := sandbox(t)
	path, err := broker.File(env)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := broker.TryLock(filepath.Join(filepath.Dir(path), "start.lock"))
	if err != nil || lock == nil {
		t.Fatalf("TryLock = %v, %v", lock, err)
	}
	defer lock.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := broker.Locate(ctx, env); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v is not the end of the context", err)
	}
}

func TestLocateKeepsSecretsFromTheBroker(t *testing.T) {
	env, vars := sandbox(t)
	installFake(t, env)
	vars["HTTP_SOURCE_TOKEN"] = "canary"
	e, err := broker.Locate(testContext(t), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(t, e) })
	// What /proc shows is what the process was given; other systems have no such view.
	environ, err := os.ReadFile(filepath.Join("/proc", itoa(e.PID), "environ"))
	if err != nil {
		t.Skip("this system does not show the environment of a process; run on Linux")
	}
	if strings.Contains(string(environ), "canary") || !strings.Contains(string(environ), "XDG_DATA_HOME=") {
		t.Errorf("environment of the broker: %q", environ)
	}
}
