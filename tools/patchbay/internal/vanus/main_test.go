package vanus

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
)

// partVariable makes the test binary play a connector, or the platform's side in a process of its own.
const partVariable = "VANUS_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(partVariable) {
	case "source":
		common.RunSource(common.Info{
			Name: "numbers-source", Version: "0.1.0", Category: "Testing", Description: "Sends numbers.", Resumes: true,
		}, &numbers{})
	case "sink":
		common.RunSink(common.Info{
			Name: "lines-sink", Version: "0.1.0", Category: "Testing", Description: "Writes lines.",
		}, &lineSink{})
	case "target":
		playTarget(os.Args[1])
		return
	case "sender":
		playSender(os.Args[1], os.Args[2:])
		return
	}
	goleak.VerifyTestMain(m)
}

// numbers sends the numbers up to Count, and then waits for its end if it is to.
type numbers struct {
	Count int           `help:"The last number." default:"10" min:"0"`
	Stay  bool          `help:"Do not end."`
	Token common.Secret `help:"A secret."`
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

// lineSink appends records to a file.
type lineSink struct {
	Path string `help:"The file." required:""`
}

func (l *lineSink) Run(ctx context.Context, in common.Input) error {
	for {
		batch, err := in.Next(ctx)
		if err != nil {
			return nil
		}
		if err := l.write(batch); err != nil {
			return err
		}
	}
}

func (l *lineSink) write(batch *common.Batch) error {
	f, err := os.OpenFile(l.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for i, rec := range batch.Records {
		if string(rec.Value) == "poison" {
			batch.Fail(i, common.Permanent(fmt.Errorf("%s is refused", rec.Value)))
		} else if _, err := fmt.Fprintf(f, "%s\n", rec.Value); err != nil {
			return err
		}
	}
	batch.Ack()
	return nil
}

// playTarget takes events on a free port, which it prints, and appends to the file events what it takes. It answers with the
// status in the file status; beside a data attribute: only events with these data.
func playTarget(dir string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	events, err := os.OpenFile(filepath.Join(dir, "events"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	panic(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var event struct {
			ID, Source, Type string
			Data             json.RawMessage
		}
		if r.Header.Get("Content-Type") != "application/cloudevents+json" || json.Unmarshal(body, &event) != nil {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		var status int
		data := ""
		text, _ := os.ReadFile(filepath.Join(dir, "status"))
		fmt.Sscan(string(text), &status, &data)
		if status != 0 && (data == "" || data == string(event.Data)) {
			fmt.Fprintf(events, "%d %s\n", status, event.Data)
			http.Error(w, "not now", status)
			return
		}
		fmt.Fprintf(events, "ok %s %s\n", event.Data, event.Source)
	})))
}

// startTarget starts the target in a process of its own.
func startTarget(t *testing.T) (url, dir string) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.Command(self(t), dir)
	cmd.Env = part("target")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + strings.TrimSpace(address) + "/", dir
}

// events returns what a target was sent.
func events(dir string) []string {
	data, _ := os.ReadFile(filepath.Join(dir, "events"))
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' })
}

// answerWith makes a target answer with a status; "" for what is right.
func answerWith(t *testing.T, dir, status string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "status"), []byte(status), 0o600); err != nil {
		t.Fatal(err)
	}
}

// playSender posts events with the given data, in the binary mode, and prints an answer a line.
func playSender(url string, data []string) {
	for i, text := range data {
		req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(text))
		if err != nil {
			panic(err)
		}
		for name, value := range map[string]string{"specversion": "1.0", "id": text + strconv.Itoa(i), "source": "/sender", "type": "t"} {
			req.Header.Set("ce-"+name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			continue
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(resp.StatusCode, string(answer))
	}
}

// send posts events from a process of its own, and returns the answers.
func send(t *testing.T, url string, data ...string) []string {
	t.Helper()
	cmd := exec.Command(self(t), append([]string{url}, data...)...)
	cmd.Env = part("sender")
	out, err := cmd.Output()
	if err != nil {
		t.Error(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func part(name string) []string {
	return append(os.Environ(), partVariable+"="+name, "GORACE=atexit_sleep_ms=0")
}

// A run is an adapter at work.
type run struct {
	done chan error
	stop context.CancelFunc
	log  *bytes.Buffer // to be read after done
}

// start runs a part of the test binary with a configuration.
func start(t *testing.T, role, text string, args ...string) *run {
	t.Helper()
	return startProgram(t, self(t), part(role), 0, text, args...)
}

func startProgram(t *testing.T, program string, env []string, within time.Duration, text string, args ...string) *run {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	finder := connector.Finder{Env: env}
	found, err := finder.Find(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &run{done: make(chan error, 1), stop: stop, log: &bytes.Buffer{}}
	vars := map[string]string{envConfig: path}
	go func() {
		r.done <- Run(ctx, Options{
			Program: found, Args: args, Env: env, Stderr: r.log, Getenv: func(name string) string { return vars[name] },
			within: within,
		})
	}()
	t.Cleanup(func() {
		_ = r.end(t, true)
		if t.Failed() {
			t.Log(r.log)
		}
	})
	return r
}

// end waits for the end of a run, which it asks for if it is to.
func (r *run) end(t *testing.T, stop bool) error {
	t.Helper()
	if stop {
		r.stop()
	}
	err := <-r.done
	r.done <- err // for another who asks
	return err
}
