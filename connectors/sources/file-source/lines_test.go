package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

// A collector keeps the lines it is sent.
type collector struct {
	discard
	lines []string
}

func (c *collector) Send(_ context.Context, recs ...common.Record) error {
	c.lines = append(c.lines, values(recs)...)
	return nil
}

func TestABoundedPassEndsWithTheLineThatBeganBeforeItsLimit(t *testing.T) {
	tests := []struct {
		name  string
		limit int64
		want  []string
	}{
		{"an empty file that has grown", 0, nil},
		{"a line that was whole", 4, []string{"one"}},
		{"a line that was written in part", 5, []string{"one", "two"}},
		{"a last line without an end", 9, []string{"one", "two", "three"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, out := newFolder(t), &collector{}
			d.write("a.log", "one\ntwo\nthree")
			file, info, err := open(d.path("a.log"))
			d.must(err)
			defer file.Close()
			o := commontest.Options[File](t, "--path", d.path("a.log"))
			log := slog.New(slog.DiscardHandler)
			r, err := newLineReader(o, out, log, o.Path, file, info, nil)
			d.must(err)
			r.limit = tt.limit
			why, err := (&follower{t: newTailer(o, out, log)}).follow(t.Context(), r)
			if err != nil || why != finished || !slices.Equal(out.lines, tt.want) {
				t.Errorf("got %q, %v, %v, want %q", out.lines, why, err, tt.want)
			}
		})
	}
}

// A heldBack is a collector that is held back once, while something happens.
type heldBack struct {
	collector
	meanwhile func()
}

func (h *heldBack) Send(ctx context.Context, recs ...common.Record) error {
	if h.meanwhile != nil {
		h.meanwhile()
		h.meanwhile = nil
	}
	return h.collector.Send(ctx, recs...)
}

func TestAFileThatGrowsBeyondItsOldSizeWhileDeliveryIsHeldBackIsBegunAgain(t *testing.T) {
	const length = 100
	lines := func(word string, n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("%s %095d", word, i))
		}
		return all
	}
	before, after := lines("old", 3*chunkSize/length), lines("new", 4*chunkSize/length)
	firstChunk := before[:chunkSize/length+1]
	firstChunk[len(firstChunk)-1] = firstChunk[len(firstChunk)-1][:chunkSize%length]
	for _, tt := range []struct {
		name string
		copy string
		want []string
	}{
		{"after the rest of its copy", "a.log.1", before},
		{"after what was read of its last line, where there is no copy", "elsewhere", firstChunk},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newFolder(t)
			d.write("a.log", strings.Join(before, "\n")+"\n")
			out := &heldBack{meanwhile: func() {
				d.copy("a.log", tt.copy)
				d.truncate("a.log")
				d.write("a.log", strings.Join(after, "\n")+"\n")
			}}
			if err := commontest.Options[File](t, "--path", d.path("a.log")).Run(t.Context(), out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(slices.Concat(tt.want, after), out.lines); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestToEnd(t *testing.T) {
	long := strings.Repeat("x", chunkSize)
	tests := []struct {
		name, content string
		want          int
	}{
		{"an empty file", "", 0},
		{"behind the last line", "one\ntwo\n", 8},
		{"before a line without an end", "one\ntwo", 4},
		{"before the only line", "one", 0},
		{"the end of a line too long to look for its start", "one\n" + long + "x", len(long) + 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newFolder(t)
			d.write("a.log", tt.content)
			file, info, err := open(d.path("a.log"))
			d.must(err)
			defer file.Close()
			o := commontest.Options[File](t, "--path", d.path("a.log"))
			r, err := newLineReader(o, &discard{}, slog.New(slog.DiscardHandler), o.Path, file, info, nil)
			d.must(errorOf(err, r.toEnd(info.Size())))
			if r.offset != int64(tt.want) || r.next != r.offset {
				t.Errorf("got %d, want %d", r.offset, tt.want)
			}
		})
	}
}
