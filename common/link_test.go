package common

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/delivery"
)

// drive runs the tally source under a driver that the script plays: it says lines to the source and hears its lines.
func drive(t *testing.T, args []string, script func(say func(string), hear func(part string))) outcome {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	var stderr bytes.Buffer
	done := make(chan int, 1)
	go func() {
		status := counter().run(t.Context(), world{
			args:      append([]string{"--topic", "-", "--acks", "--name", "x", "--wait"}, args...),
			lookupEnv: func(string) (string, bool) { return "", false }, stdin: inR, stdout: outW, stderr: &stderr,
		})
		outW.Close()
		done <- status
	}()
	out := bufio.NewReader(outR)
	script(func(line string) {
		if line == "" {
			inW.Close()
			return
		}
		fmt.Fprintln(inW, line)
	}, func(part string) {
		for {
			line, err := out.ReadString('\n')
			if err != nil || strings.Contains(line, part) {
				return
			}
		}
	})
	go io.Copy(io.Discard, out)
	select {
	case status := <-done:
		inW.Close()
		return outcome{status: status, stderr: stderr.String()}
	case <-time.After(20 * time.Second):
		t.Fatalf("the source does not end: %s", stderr.String())
		return outcome{}
	}
}

func TestADrivenSourceEnds(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		script func(say func(string), hear func(string))
		status int
		stderr string
	}{
		{name: "when the driver goes away while a save is due", script: func(say func(string), hear func(string)) {
			say(`{"link":1}`)
			say(`{"resume":{}}`)
			say(`{"credit":10}`)
			hear(`"3"`)
			say(`{"ack":"1-20"}`)
			hear(`"save"`)
			say("")
		}},
		{name: "when it is stopped before it knows where to resume", script: func(say func(string), _ func(string)) {
			say(`{"link":1}`)
			say(`{"stop":true}`)
		}},
		{
			name: "within the shutdown timeout when the driver never saves", args: []string{"--shutdown-timeout", "1s"}, status: 1,
			script: func(say func(string), hear func(string)) {
				say(`{"link":1}`)
				say(`{"resume":{}}`)
				say(`{"credit":10}`)
				hear(`"3"`)
				say(`{"ack":"1-20"}`)
				hear(`"save"`)
				say(`{"stop":true}`)
			},
		},
		{
			name: "within the start timeout when the driver never says where to resume", args: []string{"--start-timeout", "1s"}, status: 1,
			script: func(say func(string), _ func(string)) { say(`{"link":1}`) },
		},
		{
			name: "with status 1 when something else than a driver speaks", status: 1, stderr: "does not speak the link protocol",
			script: func(say func(string), _ func(string)) { say("hello") },
		},
		{
			name: "with status 1 when the driver breaks the protocol", status: 1, stderr: "line 6 from the other side of the link",
			script: func(say func(string), hear func(string)) {
				say(`{"link":1}`)
				say(`{"resume":{}}`)
				say(`{"credit":10}`)
				hear(`"3"`)
				say(`{"ack":"1-20"}`)
				hear(`"save"`)
				say(`{"saved":20}`)
				say("hello")
			},
		},
		{
			name: "with status 1 when the driver breaks the protocol and owes answers", status: 1, stderr: "line 4 from the other side of the link",
			script: func(say func(string), hear func(string)) {
				say(`{"link":1}`)
				say(`{"resume":{}}`)
				say(`{"credit":10}`)
				hear(`"3"`)
				say("hello")
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := drive(t, tt.args, tt.script)
			if got.status != tt.status || !strings.Contains(got.stderr, tt.stderr) {
				t.Errorf("status = %d, want %d and %q: %s", got.status, tt.status, tt.stderr, got.stderr)
			}
		})
	}
}

func TestOnlyTheEndOfTheOwnOutputIsNoFailure(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status int
	}{
		{"the reader of standard output has gone", &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, statusOK},
		{"the target has gone", delivery.Permanent(fmt.Errorf("post: %w", &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE})), statusFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if status := gatherer().report(world{stderr: &stderr}, tt.err); status != tt.status {
				t.Errorf("status = %d, want %d: %s", status, tt.status, stderr.String())
			}
		})
	}
}

func TestWhatABatchPartlyFailedComesAgainInOrder(t *testing.T) {
	p := gatherer()
	p.pattern = &Reluctant{}
	reluctant = nil
	var lines []string
	for n := range 9 {
		lines = append(lines, fmt.Sprint(n))
	}
	invoke(context.Background(), p, setting{args: []string{"--topic", "-"}, stdin: strings.Join(lines, "\n") + "\n"})
	if got := strings.Join(reluctant, ""); got != "012345678" {
		t.Errorf("written in the order %s", got)
	}
}

// Reluctant is a sink for tests: it refuses every record once.
type Reluctant struct{}

var reluctant []string

func (*Reluctant) Run(ctx context.Context, in Input) error {
	tried := map[string]bool{}
	return Each(ctx, in, func(_ context.Context, recs []Record) error {
		failed := map[int]error{}
		for i, rec := range recs {
			if v := string(rec.Value); tried[v] {
				reluctant = append(reluctant, v)
			} else {
				tried[v] = true
				failed[i] = fmt.Errorf("busy")
			}
		}
		if len(failed) > 0 {
			return &PartialError{failed}
		}
		return nil
	})
}
