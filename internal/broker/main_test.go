package broker_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/internal/broker"
)

// TestMain makes a copy of the test binary that is called patchbay behave like one, so that starting is tested with a
// real process but without the server.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "patchbay" {
		if err := fakeBroker(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// fakeBroker announces itself and introduces itself to whoever connects, until it is killed. It leaves a mark for each
// start. A file named refuse in its store makes it fail, one named vanish makes it end at once.
func fakeBroker() error {
	env := broker.SystemEnv()
	store, err := broker.StoreDir(env)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(store, "refuse")); err == nil {
		return fmt.Errorf("refused")
	}
	if _, err := os.Stat(filepath.Join(store, "vanish")); err == nil {
		return nil
	}
	if _, err := os.CreateTemp(store, "started-"); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	path, err := broker.File(env)
	if err != nil {
		return err
	}
	id := "FAKE" + strconv.Itoa(os.Getpid())
	e := broker.Endpoint{URL: "nats://" + l.Addr().String(), Token: "t", ServerID: id, PID: os.Getpid(), Store: store}
	if err := broker.WriteFile(path, e); err != nil {
		return err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		fmt.Fprintf(conn, "INFO {\"server_id\":%q}\r\n", id)
		conn.Close()
	}
}

// sandbox returns surroundings in which nothing of the real user's is seen.
func sandbox(t *testing.T) (broker.Env, map[string]string) {
	t.Helper()
	vars := map[string]string{"HOME": t.TempDir(), "XDG_RUNTIME_DIR": t.TempDir(), "XDG_DATA_HOME": t.TempDir()}
	return broker.Env{
		Getenv:     func(k string) string { return vars[k] },
		Executable: filepath.Join(t.TempDir(), "http-source"),
		UID:        os.Getuid(),
		TempDir:    t.TempDir(),
	}, vars
}

// installFake puts the fake patchbay beside the connector of env.
func installFake(t *testing.T, env broker.Env) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A hard link would need the same file system; a symbolic link keeps the name in os.Args.
	if err := os.Symlink(self, filepath.Join(filepath.Dir(env.Executable), "patchbay")); err != nil {
		t.Fatal(err)
	}
}
