package kps

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

func ingress(id, subject string, options map[string]any) *pb.Payload {
	return streamPayload(id, subject, pb.StreamDirection_STREAM_DIRECTION_INGRESS, options)
}

func egress(id, subject string, options map[string]any) *pb.Payload {
	return streamPayload(id, subject, pb.StreamDirection_STREAM_DIRECTION_EGRESS, options)
}

func streamPayload(id, subject string, direction pb.StreamDirection, options map[string]any) *pb.Payload {
	return &pb.Payload{Object: &pb.Payload_Stream{Stream: &pb.Stream{
		Id: id, Direction: direction, TransportChannel: subject, Metadata: structOf(options),
	}}}
}

func config(options map[string]any) *pb.Payload {
	return &pb.Payload{Object: &pb.Payload_Config{Config: &pb.Config{Metadata: structOf(options)}}}
}

func structOf(options map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(options)
	if err != nil {
		panic(err)
	}
	return s
}

// A buffer collects lines.
type buffer struct {
	mu   sync.Mutex
	list []string
}

func (b *buffer) add(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list, line)
}

func (b *buffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.list...)
}

func (b *buffer) String() string { return strings.Join(b.lines(), "\n") }

// fileLines returns the lines of a file that need not exist.
func fileLines(path string) []string {
	text, _ := os.ReadFile(path)
	var out []string
	for line := range bytes.Lines(text) {
		out = append(out, strings.TrimSuffix(string(line), "\n"))
	}
	return out
}

// wantNumbers checks that the lines end in the numbers from 1 to the last without a gap, and returns how many came twice.
func wantNumbers(t *testing.T, lines []string) (last, twice int) {
	t.Helper()
	seen := map[int]int{}
	for _, line := range lines {
		n, err := strconv.Atoi(line[strings.LastIndexByte(line, ' ')+1:])
		if err != nil {
			t.Errorf("line %q: %v", line, err)
		}
		seen[n]++
		last = max(last, n)
	}
	for n := 1; n <= last; n++ {
		if seen[n] == 0 {
			t.Errorf("%d is lost, of %d", n, last)
			return last, len(lines) - last
		}
	}
	return last, len(lines) - last
}

// awaitNumber blocks until a file has a line with the number.
func awaitNumber(t *testing.T, path string, n int) {
	t.Helper()
	await(t, fmt.Sprintf("a line with %d", n), func() bool {
		return slices.ContainsFunc(fileLines(path), func(line string) bool { return strings.HasSuffix(" "+line, " "+strconv.Itoa(n)) })
	})
}

// await blocks until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	hosttest.AwaitFor(t, time.Minute, what, holds)
}
