package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

// known are the names of the files that positions are kept for.
func (d folder) known(positions map[string]string) []string {
	names := []string{}
	for _, path := range slices.Sorted(maps.Keys(positions)) {
		names = append(names, path[len(d.dir)+1:])
	}
	return names
}

func TestADeletedFileIsForgotten(t *testing.T) {
	for _, pattern := range []string{"*.log", "1.log"} {
		d := newFolder(t)
		d.write("1.log", "one\nend")
		run := d.follow(commontest.Config{}, pattern)
		expect(t, run, "one")
		commontest.Await(t, "the position of the file", func() bool { return len(run.Positions()) == 1 })
		d.remove("1.log")
		expect(t, run, "end")
		commontest.Await(t, "a state without the file", func() bool { return len(run.Positions()) == 0 })
		d.write("1.log", "one\n") // the same path and content, and yet another file
		expect(t, run, "one")
		commontest.Await(t, "the position of the new file", func() bool { return len(run.Positions()) == 1 })
		d.remove("1.log")
		commontest.Await(t, "a state without the new file", func() bool { return len(run.Positions()) == 0 })
		positions := stop(t, run) // or this run may be the one that reads the next file
		d.write("1.log", "two\n")
		want(t, d.read(commontest.Config{Positions: positions}, "1.log"), "two")
	}
}

// TestForgetsWhatIsGone reads files, stops, changes them, and looks at what the next runs know.
func TestForgetsWhatIsGone(t *testing.T) {
	t.Parallel()
	long := long + "\n"
	tests := []struct {
		name    string
		pattern string
		do      func(d folder)
		known   []string
		back    func(d folder) // brings files back
		want    []string       // lines that come then
	}{
		{
			"what was deleted while nobody looked", "*.log", func(d folder) { d.remove("1.log") },
			[]string{"2.log"},
			func(d folder) { d.write("1.log", "one\nmore\n") },
			[]string{"one", "more"},
		},
		{
			"a folder with all that it held", "**/*.log", func(d folder) { d.must(os.RemoveAll(d.path("day"))) },
			[]string{"1.log", "2.log"},
			nil, nil,
		},
		{
			"not what stands beside under a name that does not match", "*.log", func(d folder) { d.rename("1.log", "1.old") },
			[]string{"1.log", "2.log"},
			func(d folder) { d.rename("1.old", "1.log"); d.write("1.log", "more\n") },
			[]string{"more"},
		},
		{
			"not what has a copy that holds more", "*.log",
			func(d folder) { d.write("1.log", "more\n"); d.copy("1.log", "1.log.1"); d.remove("1.log") },
			[]string{"1.log", "2.log"},
			func(d folder) { d.write("1.log", "new\n") },
			[]string{"more", "new"},
		},
		{
			"not where a link leads nowhere", "*.log",
			func(d folder) { d.remove("1.log"); d.must(os.Symlink("away", d.path("1.log"))) },
			[]string{"1.log", "2.log"},
			nil, nil,
		},
		{
			"not where the folder is empty, because it may not be mounted", "*/*.log",
			func(d folder) { d.rename("day/3.log", "3") },
			[]string{"day/3.log"},
			func(d folder) { d.rename("3", "day/3.log"); d.write("day/3.log", "more\n") },
			[]string{"more"},
		},
	}
	for _, tt := range tests {
		for _, once := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, once %t", tt.name, once), func(t *testing.T) {
				d := newFolder(t)
				d.must(os.Mkdir(d.path("day"), 0o700))
				d.write("1.log", long+"one\n")
				d.write("2.log", "two\n")
				d.write("day/3.log", "three\n")
				positions := d.read(commontest.Config{}, tt.pattern).Positions()
				last := d.path("zz") // is gone too, and looked at after all others
				positions[last] = position{generation: newGeneration(), sum: fingerprint(nil)}.String()
				tt.do(d)
				run := d.follow(commontest.Config{Positions: positions, Once: once}, tt.pattern)
				if once {
					d.must(run.Wait())
				} else {
					commontest.Await(t, "what is gone to be forgotten", func() bool { return run.Positions()[last] == "" })
				}
				stop(t, run)
				if got := d.known(run.Positions()); !slices.Equal(got, tt.known) {
					t.Fatalf("positions are kept of %q, want %q", got, tt.known)
				}
				if tt.back != nil {
					tt.back(d)
					want(t, d.read(commontest.Config{Positions: run.Positions()}, tt.pattern), tt.want...)
				}
			})
		}
	}
}

// A single path takes one position, whatever happens to its file, which may come back.
func TestASinglePathIsNotForgottenWhileStopped(t *testing.T) {
	d := newFolder(t)
	d.write("1.log", "one\n")
	positions := d.read(commontest.Config{}, "1.log").Positions()
	d.write("2.log", "two\n")
	d.must(os.Mkdir(d.path("other"), 0o700))
	d.rename("1.log", "other/1.log")
	positions = d.read(commontest.Config{Positions: positions}, "1.log").Positions()
	d.rename("other/1.log", "1.log")
	d.write("1.log", "more\n")
	want(t, d.read(commontest.Config{Positions: positions}, "1.log"), "more")
}

func TestForgetsFilesThatWaitedForAPlace(t *testing.T) {
	d := newFolder(t)
	names := []string{"a.log", "b.log", "c.log"}
	for _, name := range names {
		d.write(name, name+"\n")
	}
	run := d.follow(commontest.Config{}, "*.log", "--max-files", "1")
	for range names {
		run.Next()
	}
	commontest.Await(t, "a position of each", func() bool { return len(run.Positions()) == len(names) })
	d.remove("a.log")
	d.remove("b.log")
	commontest.Await(t, "a state with the file that is left", func() bool {
		return slices.Equal(d.known(run.Positions()), []string{"c.log"})
	})
}

func TestForgetsManyFilesInTime(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "a\n")
	positions := map[string]string{}
	for n := range 2*mostMisses + 1 {
		positions[d.path(fmt.Sprintf("%d.log", n))] = position{generation: newGeneration(), sum: fingerprint(nil)}.String()
	}
	run := d.read(commontest.Config{Positions: positions}, "*.log")
	if n := len(run.Positions()); n >= len(positions) {
		t.Errorf("%d positions are left after one pass", n)
	}
	run = d.follow(commontest.Config{Positions: run.Positions()}, "*.log")
	commontest.Await(t, "a state with the file that is left", func() bool {
		return slices.Equal(d.known(run.Positions()), []string{"a.log"})
	})
}

func TestLeavesPositionsOfAnotherVersionAlone(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "a\n")
	run := d.read(commontest.Config{Positions: map[string]string{d.path("b.log"): "2:what"}}, "*.log")
	if got := d.known(run.Positions()); !slices.Equal(got, []string{"a.log", "b.log"}) {
		t.Errorf("positions are kept of %q", got)
	}
}

func TestRotationHasTimeToPutAFileInPlace(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "a\n")
	d.write("b.log", "b\n")
	positions := d.read(commontest.Config{}, "*.log").Positions()
	d.remove("a.log")
	run := d.follow(commontest.Config{Positions: positions}, "*.log", "--rotate-wait", "1h")
	d.write("b.log", "more\n")
	expect(t, run, "more")
	if got := d.known(stop(t, run)); !slices.Equal(got, []string{"a.log", "b.log"}) {
		t.Errorf("positions are kept of %q", got)
	}
}
