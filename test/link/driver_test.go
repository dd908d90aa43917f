package link_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
)

func sortedFields(s string) string {
	fields := strings.Fields(s)
	slices.Sort(fields)
	return strings.Join(fields, " ")
}

func shell(script string) link.Command {
	return link.Command{Path: "/bin/sh", Args: []string{"-c", script}, Name: "test"}
}

func ourselves(t testing.TB, what string) link.Command {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return link.Command{Path: path, Name: "test", Env: append(os.Environ(), childVariable+"="+what)}
}

// readAll settles everything with nil and returns the values and the error at the end.
func readAll(ctx context.Context, s *link.Source) (values []string, err error) {
	for {
		batch, err := s.Read(ctx)
		if err != nil {
			return values, err
		}
		for i := range batch {
			values = append(values, string(batch[i].Record.Value))
			batch[i].Settle(nil)
		}
	}
}

func TestDriverRunsASource(t *testing.T) {
	for name, command := range map[string]link.Command{
		"of this transport": ourselves(t, "7"),
		"in shell":          {Path: "./source.sh", Args: []string{"7"}, Name: "test"},
	} {
		t.Run(name, func(t *testing.T) {
			var saved link.State
			options := link.SourceOptions{Command: command, Window: 2, Save: func(s link.State) error { saved = s; return nil }}
			for _, want := range []string{"1 2 3 4 5 6 7", ""} {
				s, err := link.StartSource(options)
				if err != nil {
					t.Fatal(err)
				}
				values, err := readAll(t.Context(), s)
				if err != io.EOF || strings.Join(values, " ") != want {
					t.Fatalf("read %q, %v", values, err)
				}
				if saved.Positions[""] != "7" {
					t.Fatalf("saved %v", saved)
				}
				options.Resume = saved
			}
			if name == "of this transport" && (saved.Connector != "counter" || saved.Identity != "i" || saved.Epoch != "e") {
				t.Errorf("saved %v", saved)
			}
		})
	}
}

func TestDriverStopsASource(t *testing.T) {
	var mu sync.Mutex
	var statuses []string
	var position string
	command := ourselves(t, "9999")
	command.Status = func(state, message string) {
		mu.Lock()
		defer mu.Unlock()
		statuses = append(statuses, state+message)
	}
	s, err := link.StartSource(link.SourceOptions{Command: command, Window: 4, Save: func(s link.State) error {
		position = s.Positions[""]
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	for i := range batch {
		batch[i].Settle(nil)
	}
	values, err := readAll(t.Context(), s)
	if err != io.EOF || len(batch)+len(values) >= 9999 || position != fmt.Sprint(len(batch)+len(values)) {
		t.Errorf("%d and %d records, saved %s, %v", len(batch), len(values), position, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"connecting", "ready"}, statuses); diff != "" {
		t.Error(diff)
	}
}

func TestDriverHandsErrorsToTheSource(t *testing.T) {
	tests := []struct {
		name   string
		settle error
		save   func(link.State) error
		err    string
	}{
		{"a record that is not delivered", errors.New("topic is full"), nil, "exit status 1: topic is full"},
		{"a state that cannot be kept", nil, func(link.State) error { return errors.New("disk full") }, "exit status 1: disk full"},
		{"a driver that keeps no state", nil, nil, "exit status 1: positions are not kept here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := link.StartSource(link.SourceOptions{Command: ourselves(t, "1"), Save: tt.save})
			if err != nil {
				t.Fatal(err)
			}
			batch, err := s.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			batch[0].Settle(tt.settle)
			if _, err := s.Read(t.Context()); err == nil || !strings.HasSuffix(err.Error(), tt.err) {
				t.Errorf("the source ended with %v, want %s", err, tt.err)
			}
		})
	}
}

func TestDriverRunsASink(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var dead []string
	command := ourselves(t, "sink")
	command.Stdout = out
	command.Dead = func(rec record.Record) error {
		dead = append(dead, string(rec.Value)+rec.Headers["reason"])
		return nil
	}
	s, err := link.StartSink(command)
	if err != nil {
		t.Fatal(err)
	}
	refused := make(chan *link.NackError, 1)
	for _, value := range []string{"a", "again", "poison", "b", "c", "d", "e"} {
		err := s.Send(t.Context(), record.Record{Value: []byte(value)}, 1, func(err error) {
			var nack *link.NackError
			if errors.As(err, &nack) {
				refused <- nack
			} else if err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if nack := <-refused; nack.Delay != time.Millisecond {
		t.Errorf("refused with a delay of %v", nack.Delay)
	}
	if err := s.Send(t.Context(), record.Record{Value: []byte("again")}, 2, func(error) {}); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := s.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	printed, err := os.ReadFile(out.Name())
	if err != nil || string(printed) != "a 1\nb 1\nc 1\nd 1\ne 1\nagain 2\n" {
		t.Errorf("the sink printed %q, %v", printed, err)
	}
	if diff := cmp.Diff([]string{"poisonpoison"}, dead); diff != "" {
		t.Error(diff)
	}
}

func TestDriverReportsHowAChildEnded(t *testing.T) {
	tests := []struct{ name, script, err string }{
		{"a failure, with the last line of the log", "echo one >&2; echo 'no such host' >&2; exit 7", "sh: exit status 7: no such host"},
		{"output that is no frame", "echo Listening; exec sleep 100", `it began with "Listening"`},
		{"a child that takes a signal", "kill -9 $$", "sh: signal: killed"},
		{"a clean end", `echo '{"link":1}'`, "EOF"},
		{"half a frame", `printf '{"link":1}\n{"record":{'`, "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := link.StartSource(link.SourceOptions{Command: shell(tt.script)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Read(t.Context()); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Read returned %v, want %s", err, tt.err)
			}
		})
	}
	if _, err := link.StartSource(link.SourceOptions{Command: link.Command{Path: "/nowhere"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a program that is not there gave %v", err)
	}
}

func TestDriverEndsAStubbornChild(t *testing.T) {
	// The grandchild holds every pipe, and neither stops nor minds a SIGTERM.
	script := `trap 'echo terminated >&2' TERM; (trap '' TERM; while :; do sleep 1; done) & echo '{"link":1}'; while :; do wait; done`
	for _, how := range []string{"Stop", "Close"} {
		t.Run(how, func(t *testing.T) {
			logged := make(chan string, 100)
			command := shell(script)
			command.Grace = 50 * time.Millisecond
			command.Stderr = func(line string) { logged <- line }
			s, err := link.StartSource(link.SourceOptions{Command: command})
			if err != nil {
				t.Fatal(err)
			}
			if how == "Close" {
				s.Close()
			} else {
				s.Stop()
			}
			if _, err := s.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "signal: killed") {
				t.Errorf("ended with %v", err)
			}
			if how == "Stop" && <-logged != "terminated" {
				t.Error("the child got no SIGTERM before the SIGKILL")
			}
		})
	}
}

func TestDriverHoldsBackASourceThatIgnoresCredit(t *testing.T) {
	s, err := link.StartSource(link.SourceOptions{
		Command: shell(`echo '{"link":1}'; i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo '{"record":{}}'; done`), Window: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		batch, err := s.Read(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) > 4 {
			t.Errorf("%d records were read ahead", len(batch))
		}
		n += len(batch)
	}
	if n != 500 {
		t.Errorf("read %d records", n)
	}
}

// BenchmarkSource measures records of 256 bytes from a child to the driver and their acknowledgements back.
func BenchmarkSource(b *testing.B) {
	s, err := link.StartSource(link.SourceOptions{
		Command: ourselves(b, fmt.Sprint(max(b.N, 10000))), Save: func(link.State) error { return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for {
		batch, err := s.Read(b.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		for i := range batch {
			batch[i].Settle(nil)
		}
		n += len(batch)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}
