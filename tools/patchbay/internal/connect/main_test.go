package connect

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/record"
)

// TestMain has the test binary play other programs: connectors by the name it is called with, and the platform's server,
// which is a process of its own as it would be, by serverVariable.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "numbers-source":
		common.RunSource(common.Info{
			Name: "numbers-source", Version: "0.1.0", Category: "Testing", Description: "Sends numbers.", Resumes: true,
		}, &numbers{})
	case "lines-sink":
		common.RunSink(common.Info{
			Name: "lines-sink", Version: "0.1.0", Category: "Testing", Description: "Writes lines.",
		}, &lines{})
	}
	if file := os.Getenv(serverVariable); file != "" {
		serve(file)
		return
	}
	goleak.VerifyTestMain(m)
}

// numbers sends the numbers up to Count, and then waits for its end if it is to.
type numbers struct {
	Count  int               `help:"The last number." default:"100" min:"0"`
	Stay   bool              `help:"Do not end."`
	Text   string            `help:"What to send in place of the numbers." default:""`
	Header map[string]string `help:"Headers of every record." placeholder:"NAME=VALUE"`
	Pause  float64           `help:"Milliseconds between two records." default:"0" min:"0" max:"1000"`
	Key    string            `help:"Key of every record." default:""`
	Secret common.Secret     `help:"A secret." default:""`
}

func (n *numbers) Run(ctx context.Context, out common.Output) error {
	out.Ready()
	at, _ := strconv.Atoi(out.Position(""))
	for at < n.Count {
		at++
		if err := common.Sleep(ctx, time.Duration(n.Pause*float64(time.Millisecond))); err != nil {
			return err
		}
		rec := common.Record{Position: strconv.Itoa(at), Value: []byte(strconv.Itoa(at)), Headers: n.Header, Key: n.Key}
		if n.Text != "" {
			rec.Value = []byte(n.Text)
		}
		if err := out.Send(ctx, rec); err != nil {
			return err
		}
	}
	if n.Stay {
		<-ctx.Done()
	}
	return nil
}

// lines appends records to a file: the operation and the key if there are such, headers, and the value.
type lines struct {
	Path string `help:"The file." required:""`
}

func (l *lines) Run(ctx context.Context, in common.Input) error {
	f, err := os.OpenFile(l.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return common.Permanent(err)
	}
	defer f.Close()
	return common.Each(ctx, in, func(_ context.Context, recs []common.Record) error {
		for _, rec := range recs {
			var parts []string
			if rec.Op == record.Delete {
				parts = append(parts, "delete")
			}
			if rec.Key != "" {
				parts = append(parts, rec.Key)
			}
			for name, value := range rec.Headers {
				parts = append(parts, name+"="+value)
			}
			if _, err := fmt.Fprintln(f, strings.Join(append(parts, string(rec.Value)), " ")); err != nil {
				return err
			}
		}
		return nil
	})
}

const serverVariable = "CONNECT_TEST_SERVER"

// serve runs a NATS server until standard input ends, and prints its address.
func serve(file string) {
	o, err := natsserver.ProcessConfigFile(file)
	if err != nil {
		panic(err)
	}
	o.NoSigs, o.NoLog = true, true
	s, err := natsserver.NewServer(o)
	if err != nil {
		panic(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("the server is not ready")
	}
	fmt.Println(s.ClientURL())
	_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test does, however it ends
	s.Shutdown()
	s.WaitForShutdown()
}

// startServer starts a server with JetStream, and what config adds, and returns its address.
func startServer(t *testing.T, config string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "nats.conf")
	text := fmt.Sprintf("listen: \"127.0.0.1:-1\"\njetstream: {store_dir: %q}\n%s\n", t.TempDir(), config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serverVariable+"="+file)
	cmd.Stderr = os.Stderr
	life, err := cmd.StdinPipe()
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
	t.Cleanup(func() {
		life.Close()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server says no address: %v", err)
	}
	return strings.TrimSpace(url)
}
