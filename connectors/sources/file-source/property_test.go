package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

// TestNoLineIsLost does to a file, in any order, what loggers, log rotation and operators do, and expects every line in
// order: once, unless the source was killed, and then what comes again comes from the same place. (Its generation may be
// another, if the source was killed before it saved that.)
func TestNoLineIsLost(t *testing.T) {
	t.Parallel() // it mostly waits
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{folder: folder{t, t.TempDir()}, rt: rt, seen: map[string]string{}}
		w.do("append", w.append)
		w.start()
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			actions := map[string]func(){
				"append": w.append, "append half a line": w.appendHalf, "rotate": w.rotate, "restart": w.restart, "kill": w.kill,
				"copy and truncate": w.copyTruncate,
			}
			name := rapid.SampledFrom(slices.Sorted(maps.Keys(actions))).Draw(rt, "action")
			w.do(name, actions[name])
		}
		w.append() // ends the last line
		w.settle()
		w.stop()
		if len(w.got) != len(w.lines) {
			rt.Fatalf("got %d lines of %d", len(w.got), len(w.lines))
		}
	})
}

// A world is a file, what was written to it, and the source that follows it.
type world struct {
	folder
	rt        *rapid.T
	run       *commontest.SourceRun
	lines     []string // written
	got       []string // delivered, without repetitions
	seen      map[string]string
	half      string // written without its end
	repeats   int    // how many of the lines may come again since the source was killed
	positions map[string]string
}

func (w *world) do(name string, action func()) {
	w.rt.Log(name)
	action()
}

func (w *world) append() {
	for range rapid.IntRange(1, 30).Draw(w.rt, "lines") {
		w.appendHalf()
		w.write("a.log", "\n")
		w.lines, w.half = append(w.lines, w.half), ""
	}
}

func (w *world) appendHalf() {
	text := fmt.Sprintf("line %d %d ", len(w.lines), len(w.half))
	w.write("a.log", text)
	w.half += text
}

// endHalf takes note that a file is over, and with it its last line.
func (w *world) endHalf() {
	if w.half != "" {
		w.lines, w.half = append(w.lines, w.half), ""
	}
}

func (w *world) rotate() {
	w.shift()
	w.rename("a.log", "a.log.1")
	w.endHalf()
	w.write("a.log", "")
}

// shift makes room for a.log.1.
func (w *world) shift() {
	for n := 9; n > 0; n-- {
		if _, err := os.Stat(w.path(fmt.Sprintf("a.log.%d", n))); err == nil {
			w.rename(fmt.Sprintf("a.log.%d", n), fmt.Sprintf("a.log.%d", n+1))
		}
	}
}

// copyTruncate waits until all is read: lines that are written meanwhile are lost by the method itself.
func (w *world) copyTruncate() {
	w.append()
	w.settle()
	before := w.run.Positions()[w.path("a.log")]
	w.copy("a.log", "copy") // not a.log.1, which would count as a rotated file
	w.truncate("a.log")
	commontest.Await(w.t, "the truncation to be noticed", func() bool {
		after := w.run.Positions()[w.path("a.log")]
		p, err := parsePosition(after)
		return err == nil && p.offset == 0 && after != before
	})
}

func (w *world) start() {
	w.run = w.follow(commontest.Config{Positions: w.positions}, "a.log", "--rotate-wait", "0s", "--poll-interval", "2ms")
	commontest.Await(w.t, "the file to be known", func() bool { return w.run.Positions()[w.path("a.log")] != "" })
}

func (w *world) stop() {
	if err := w.run.Stop(); err != nil {
		w.rt.Fatal(err)
	}
	w.positions = w.run.Positions()
	w.take(w.run.Records())
}

func (w *world) restart() {
	w.stop()
	if rapid.Bool().Draw(w.rt, "rotate while stopped") {
		w.rotate()
	}
	if rapid.Bool().Draw(w.rt, "append while stopped") {
		w.append()
	}
	w.start()
}

// kill starts the source again from positions that may be older than what was delivered.
func (w *world) kill() {
	saved := w.run.Positions()
	w.stop()
	w.positions, w.repeats = saved, len(w.got)
	w.start()
}

// settle waits until everything is delivered.
func (w *world) settle() {
	w.rt.Helper()
	last := w.lines[len(w.lines)-1]
	commontest.Await(w.t, "the last line", func() bool {
		records := w.run.Records()
		return len(records) > 0 && string(records[len(records)-1].Value) == last
	})
}

// take compares what a run delivered with what was written.
func (w *world) take(records []common.Record) {
	for _, rec := range records {
		line := string(rec.Value)
		if position, again := w.seen[line]; again {
			if slices.Index(w.got, line) >= w.repeats || !samePlace(position, rec.Position) {
				w.rt.Fatalf("%q came again, at %s and now at %s", line, position, rec.Position)
			}
			continue
		}
		w.seen[line] = rec.Position
		if n := len(w.got); n >= len(w.lines) || w.lines[n] != line {
			w.rt.Fatalf("got %q after %d lines of %q", line, n, w.lines)
		}
		w.got = append(w.got, line)
	}
}

// samePlace reports whether positions differ in their generation at most.
func samePlace(a, b string) bool {
	p, err := parsePosition(a)
	q, err2 := parsePosition(b)
	q.generation = p.generation
	return err == nil && err2 == nil && p == q
}
