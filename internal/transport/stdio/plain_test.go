package stdio_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/stdio"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// write writes the payloads in order and returns what came out and how each was settled.
func write(t *testing.T, o stdio.WriterOptions, payloads ...string) (string, []error) {
	t.Helper()
	var out bytes.Buffer
	w := stdio.NewWriter(&out, o)
	defer w.Close()
	settled := make([]error, len(payloads))
	for i, p := range payloads {
		err := w.Write(t.Context(), record.Record{Value: []byte(p)}, func(err error) { settled[i] = err })
		if err != nil {
			t.Fatalf("Write: %v", err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatalf("Flush: %v", err)
	}
	return out.String(), settled
}

// readAll reads until an error and returns the payloads and the error.
func readAll(t *testing.T, r transport.Reader) ([]string, error) {
	t.Helper()
	var payloads []string
	for {
		msgs, err := r.Read(t.Context(), 3, 0)
		for _, m := range msgs {
			payloads = append(payloads, string(m.Record.Value))
		}
		if err != nil {
			return payloads, err
		}
	}
}

func TestWriterFormats(t *testing.T) {
	tests := []struct {
		name    string
		format  stdio.Format
		payload string
		want    string
		err     string
	}{
		{name: "JSON is its own line", payload: `{"a": 1.0}`, want: `{"a": 1.0}`},
		{name: "JSON that holds a newline is compacted", payload: "{\n  \"a\": \"b c\"\r\n}\n", want: `{"a":"b c"}`},
		{name: "text becomes a JSON string", payload: "say \"hi\"\n\t\\ <b> \x01 é", want: `"say \"hi\"\n\t\\ <b> \u0001 é"`},
		{name: "an empty payload becomes an empty string", payload: "", want: `""`},
		{name: "a number is JSON", payload: "5", want: "5"},
		{name: "binary is refused in JSON", payload: "\xff", err: "choose --topic-format cloudevents or raw"},
		{name: "binary inside JSON is refused too", payload: "{\"a\":\"\xff\"}", err: "not UTF-8"},
		{name: "raw is not touched", format: stdio.Raw, payload: " \xff\r", want: " \xff\r"},
		{name: "raw cannot hold a newline", format: stdio.Raw, payload: "a\nb", err: "choose --topic-format json or cloudevents"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, settled := write(t, stdio.WriterOptions{Format: tt.format}, tt.payload, "1")
			if tt.err != "" {
				var rejected *transport.Rejected
				if !errors.As(settled[0], &rejected) || !strings.Contains(rejected.Error(), tt.err) {
					t.Errorf("settled with %v, want Rejected with %q", settled[0], tt.err)
				}
				if out != "1\n" || settled[1] != nil {
					t.Errorf("the next record: wrote %q, settled with %v", out, settled[1])
				}
				return
			}
			if settled[0] != nil || out != tt.want+"\n1\n" {
				t.Errorf("wrote %q, settled with %v, want %q", out, settled[0], tt.want)
			}
		})
	}
}

func TestReaderFormats(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	tests := []struct {
		name   string
		format stdio.Format
		input  string
		want   []string
		err    string
	}{
		{name: "JSON is the payload as it is", input: "{\"a\": 1.0}\n[1]\n", want: []string{`{"a": 1.0}`, "[1]"}},
		{name: "a line that is no JSON is text", input: "hello \"you\"\n{\n", want: []string{`hello "you"`, "{"}},
		{name: "a JSON string is the text it holds", input: `"a\nb\u00e9"` + "\n\"\"\n", want: []string{"a\nbé", ""}},
		{name: "a JSON string that holds JSON stays one", input: `"5"` + "\n" + `"{}"` + "\n", want: []string{`"5"`, `"{}"`}},
		{name: "a carriage return belongs to the line end", input: "a\r\n{}\r\n", want: []string{"a", "{}"}},
		{name: "empty lines are skipped", input: "\n\r\na\n\n", want: []string{"a"}},
		{name: "the last line needs no newline", input: "a\nb", want: []string{"a", "b"}},
		{name: "bytes that are no text pass", input: "\xff\n\"\xff\"\n", want: []string{"\xff", "\"\xff\""}},
		{name: "long lines pass", input: long + "\n" + long, want: []string{long, long}},
		{name: "raw keeps everything but the newline", format: stdio.Raw, input: "\"a\"\r\n\n", want: []string{"\"a\"\r", ""}},
		{
			name: "a line that is no CloudEvent is named", format: stdio.CloudEvents,
			input: `{"specversion":"1.0","id":"1","source":"s","type":"t","data":1}` + "\n\n{}\n",
			want:  []string{"1"}, err: "line 3: read CloudEvent",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := stdio.NewReader(strings.NewReader(tt.input), stdio.ReaderOptions{Format: tt.format})
			defer r.Close()
			got, err := readAll(t, r)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("payloads (-want +got):\n%s", diff)
			}
			if tt.err == "" && err != io.EOF || tt.err != "" && (!isBroken(err) || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("ended with %v, want Broken with %q", err, tt.err)
			}
		})
	}
}

func TestReaderNamesTheLineThatIsTooLong(t *testing.T) {
	for _, input := range []string{"a\n\n12345678\nb\n", "a\n\n12345678"} {
		r := stdio.NewReader(iotestOneByte{strings.NewReader(input)}, stdio.ReaderOptions{MaxLine: 7})
		got, err := readAll(t, r)
		if len(got) != 1 || !isBroken(err) || !strings.Contains(err.Error(), "line 3 is longer than 7 bytes") {
			t.Errorf("read %q, ended with %v", got, err)
		}
		r.Close()
	}
}

func TestReaderIsBrokenWhenItsInputIs(t *testing.T) {
	input := errors.New("unplugged")
	r := stdio.NewReader(io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(input)), stdio.ReaderOptions{})
	defer r.Close()
	got, err := readAll(t, r)
	if len(got) != 1 || !isBroken(err) || !errors.Is(err, input) || err.Error() != "read standard input: unplugged" {
		t.Errorf("read %q, ended with %v", got, err)
	}
}

// isBroken reports whether a Reader or Writer says that trying again is pointless.
func isBroken(err error) bool {
	var broken *transport.Broken
	return errors.As(err, &broken)
}

type iotestOneByte struct{ r io.Reader }

func (r iotestOneByte) Read(p []byte) (int, error) { return r.r.Read(p[:1]) }

func TestPayloadsComeBack(t *testing.T) {
	payloads := []string{
		`{"a":[1,2.50,"\u00e9"]}`, "plain text", "two\nlines\r\n", `"5"`, "", " ", "{ broken", "null", "true",
		"\u2028", "tab\there",
	}
	binary := []string{"\xff\xfe", "\x00", "\"\xff\""}
	tests := []struct {
		format   stdio.Format
		payloads []string
	}{
		{stdio.JSON, append([]string{" 1 "}, payloads...)},
		{stdio.CloudEvents, append(payloads, binary...)},
		{stdio.Raw, append([]string{"plain", "", "\r", `"x"`}, binary...)},
	}
	for _, tt := range tests {
		t.Run(string(tt.format), func(t *testing.T) {
			out, settled := write(t, stdio.WriterOptions{Format: tt.format, Source: "test"}, tt.payloads...)
			if err := errors.Join(settled...); err != nil {
				t.Fatal(err)
			}
			r := stdio.NewReader(strings.NewReader(out), stdio.ReaderOptions{Format: tt.format})
			defer r.Close()
			got, err := readAll(t, r)
			if diff := cmp.Diff(tt.payloads, got); diff != "" || err != io.EOF {
				t.Errorf("ended with %v; payloads (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestWriterWritesAtOnce(t *testing.T) {
	r, out := io.Pipe()
	w := stdio.NewWriter(out, stdio.WriterOptions{})
	defer w.Close()
	lines := bufio.NewReader(r)
	for _, want := range []string{"1\n", "2\n"} {
		settled := make(chan error, 1)
		if err := w.Write(t.Context(), record.Record{Value: []byte(want[:1])}, func(err error) { settled <- err }); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-settled:
			t.Fatalf("settled with %v before anybody read the line", err)
		default:
		}
		got, err := lines.ReadString('\n')
		if got != want || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
		if err := <-settled; err != nil {
			t.Fatalf("settled with %v", err)
		}
	}
}

func TestWriterSettlesInOrder(t *testing.T) {
	w := stdio.NewWriter(io.Discard, stdio.WriterOptions{})
	defer w.Close()
	const n = 10000
	var order []int
	for i := range n {
		value := []byte("1")
		if i%7 == 0 {
			value = []byte("\xff") // refused, in its turn
		}
		if err := w.Write(t.Context(), record.Record{Value: value}, func(error) { order = append(order, i) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if order[i] != i {
			t.Fatalf("record %d was settled as number %d", order[i], i)
		}
	}
}

func TestWriterToAClosedPipe(t *testing.T) {
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	r.Close()
	w := stdio.NewWriter(out, stdio.WriterOptions{})
	defer w.Close()
	settled := make(chan error, 1)
	if err := w.Write(t.Context(), record.Record{}, func(err error) { settled <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-settled; !errors.Is(err, transport.ErrClosed) || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("settled with %v, want ErrClosed", err)
	}
	if err := w.Write(t.Context(), record.Record{}, nil); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("the next Write returned %v, want ErrClosed", err)
	}
	if err := w.Flush(t.Context()); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Flush returned %v, want ErrClosed", err)
	}
}

// A fullDisk takes nothing, as a file on one.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestWriterIsBrokenWhenItsOutputIs(t *testing.T) {
	w := stdio.NewWriter(fullDisk{}, stdio.WriterOptions{})
	defer w.Close()
	settled := make(chan error, 1)
	if err := w.Write(t.Context(), record.Record{}, func(err error) { settled <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-settled; !isBroken(err) || !errors.Is(err, syscall.ENOSPC) || transport.Gone(err) {
		t.Errorf("settled with %v, want Broken", err)
	}
	if err := w.Write(t.Context(), record.Record{}, nil); !isBroken(err) {
		t.Errorf("the next Write returned %v, want Broken", err)
	}
}

func TestWriterBlocksBehindASlowReader(t *testing.T) {
	r, out := io.Pipe()
	w := stdio.NewWriter(out, stdio.WriterOptions{Format: stdio.Raw})
	ctx, cancel := context.WithCancel(t.Context())
	cause := make(chan error, 1)
	settled := make(chan error, 1000)
	written := make(chan int, 1)
	go func() {
		n := 0
		for {
			if err := w.Write(ctx, record.Record{Value: make([]byte, 100<<10)}, func(err error) { settled <- err }); err != nil {
				cause <- err
				written <- n
				return
			}
			n++
		}
	}()
	if _, err := r.Read(make([]byte, 1)); err != nil { // the first write is under way, the rest gathers
		t.Fatal(err)
	}
	select {
	case err := <-cause:
		t.Fatalf("Write returned %v although its context lives", err)
	default:
	}
	cancel()
	if err := <-cause; !errors.Is(err, context.Canceled) {
		t.Errorf("Write returned %v", err)
	}
	if err := w.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush returned %v", err)
	}
	n := <-written
	if n > 10 {
		t.Errorf("%d records of 100 KiB were taken without a reader", n)
	}
	w.Close()
	r.Close()
	for range n {
		if err := <-settled; !errors.Is(err, os.ErrClosed) {
			t.Errorf("settled with %v after Close", err)
		}
	}
	if len(settled) > 0 {
		t.Error("a record was settled twice")
	}
}

func TestReadHonoursItsContext(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	r := stdio.NewReader(in, stdio.ReaderOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Read(ctx, 1, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Read returned %v", err)
	}
	r.Close()
	if _, err := r.Read(t.Context(), 1, 0); !isBroken(err) || !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close, Read returned %v", err)
	}
}

func TestReadWaitsForMoreOnlyAfterTheFirst(t *testing.T) {
	in, out := io.Pipe()
	r := stdio.NewReader(in, stdio.ReaderOptions{})
	defer r.Close()
	go func() {
		io.WriteString(out, "1\n")
		io.WriteString(out, "2\n3\n")
	}()
	var got []transport.Message
	for len(got) < 3 {
		msgs, err := r.Read(t.Context(), 3-len(got), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, msgs...)
		if len(got) < 3 {
			t.Errorf("Read returned %d of 3 messages before its wait was over", len(got))
		}
	}
	go io.WriteString(out, "4\n")
	msgs, err := r.Read(t.Context(), 3, time.Millisecond)
	if len(msgs) != 1 || err != nil {
		t.Errorf("Read returned %d messages, %v", len(msgs), err)
	}
	out.Close()
	if _, err := r.Read(t.Context(), 3, time.Hour); err != io.EOF {
		t.Errorf("at the end, Read returned %v", err)
	}
}

func TestAReadEndsWithTheLineThatReachesItsBytes(t *testing.T) {
	const size = 16 << 10
	input := strings.Repeat(strings.Repeat("x", size-1)+"\n", 8)
	r := stdio.NewReader(strings.NewReader(input), stdio.ReaderOptions{MaxBytes: 4 * size})
	defer r.Close()
	for range 2 {
		if msgs, err := r.Read(t.Context(), 100, time.Hour); err != nil || len(msgs) != 4 {
			t.Fatalf("Read returned %d lines, %v; want 4", len(msgs), err)
		}
	}
}

func TestReaderReadsAheadWithinItsLimit(t *testing.T) {
	in, out := io.Pipe()
	r := stdio.NewReader(in, stdio.ReaderOptions{})
	line := append(bytes.Repeat([]byte{'x'}, 1<<20), '\n')
	written := make(chan struct{}, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 10 {
			if _, err := out.Write(line); err != nil {
				return
			}
			written <- struct{}{}
		}
	}()
	<-written // one megabyte is queued: that is the limit
	if _, err := r.Read(t.Context(), 1, 0); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if _, err := r.Read(t.Context(), 1, 0); err != nil {
			t.Fatal(err)
		}
		if ahead := len(written); ahead > 9 {
			t.Errorf("%d lines were read ahead", ahead)
		}
	}
	r.Close()
	in.Close()
	<-done
}
