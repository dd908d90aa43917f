package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

// long is a line that alone fills a fingerprint.
var long = strings.Repeat("l", headSize)

// TestRotationWhileFollowing changes files under a source that follows them.
func TestRotationWhileFollowing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		pattern string
		do      func(d folder, run *commontest.SourceRun)
	}{
		{"reads on after rename and create", "a.log", func(d folder, run *commontest.SourceRun) {
			d.rename("a.log", "a.log.1")
			d.write("a.log", "two\n")
			expect(d.t, run, "two")
		}},
		{"reads the renamed file to its end before the new one", "a.log", func(d folder, run *commontest.SourceRun) {
			late, err := os.OpenFile(d.path("a.log"), os.O_WRONLY|os.O_APPEND, 0)
			d.must(err)
			d.rename("a.log", "a.log.1")
			d.write("a.log", "three\n")
			_, err = late.WriteString("two\nend")
			d.must(errorOf(err, late.Close()))
			expect(d.t, run, "two", "end", "three")
		}},
		{"follows a renamed file while nothing takes its place", "a.log", func(d folder, run *commontest.SourceRun) {
			d.rename("a.log", "b.log")
			d.write("b.log", "two\n")
			expect(d.t, run, "two")
			d.write("a.log", "three\n")
			expect(d.t, run, "three")
		}},
		{"reads every file of several rotations in a row", "a.log", func(d folder, run *commontest.SourceRun) {
			d.rename("a.log", "a.log.1")
			d.write("a.log", "two\n")
			d.rename("a.log.1", "a.log.2")
			d.rename("a.log", "a.log.1")
			d.write("a.log", "three\n")
			expect(d.t, run, "two", "three")
		}},
		{"sends a rotated file once although the glob names it too", "a.log*", func(d folder, run *commontest.SourceRun) {
			d.rename("a.log", "a.log.1")
			d.write("a.log", "two\n")
			expect(d.t, run, "two")
			d.rename("a.log.1", "a.log.2")
			d.rename("a.log", "a.log.1")
			d.write("a.log", "three\n")
			expect(d.t, run, "three")
			d.write("a.log.1", "late\n")
			expect(d.t, run, "late")
		}},
		{"begins anew after a truncation", "a.log", func(d folder, run *commontest.SourceRun) {
			d.truncate("a.log")
			d.write("a.log", "2\n")
			expect(d.t, run, "2")
		}},
		{"sends a line without an end before it begins anew", "a.log", func(d folder, run *commontest.SourceRun) {
			d.write("a.log", "par")
			d.write("b.log", "b\n")
			d.truncate("a.log")
			d.write("a.log", "2\n")
			got := string(run.Next().Value)
			if got == "par" { // else the truncation came before it was read
				got = string(run.Next().Value)
			}
			if got != "2" {
				d.t.Errorf("got %q", got)
			}
		}},
		{"notices new content of the same size or more", "a.log", func(d folder, run *commontest.SourceRun) {
			d.must(os.WriteFile(d.path("a.log"), []byte("ONE\ntwo\n"), 0o600))
			if got := string(run.Next().Value); got == "two" { // read in the moment before the change was seen, and again below
				expect(d.t, run, "ONE")
			} else if got != "ONE" {
				d.t.Errorf("got %q", got)
			}
			expect(d.t, run, "two")
		}},
		{"reads a file that was deleted and made again", "a.log", func(d folder, run *commontest.SourceRun) {
			d.remove("a.log")
			d.write("a.log", "two\n")
			expect(d.t, run, "two")
		}},
		{"reads what was written before a file was deleted", "a.log", func(d folder, run *commontest.SourceRun) {
			d.write("a.log", "two\nend")
			d.remove("a.log")
			expect(d.t, run, "two", "end")
		}},
		{"reads a file that replaced another by a rename", "a.log", func(d folder, run *commontest.SourceRun) {
			d.write("new", "two\n")
			d.rename("new", "a.log")
			expect(d.t, run, "two")
		}},
	}
	for _, tt := range tests {
		for _, watch := range []string{"with notices", "by polling"} {
			t.Run(tt.name+" "+watch, func(t *testing.T) {
				d := newFolder(t)
				d.write("a.log", "one\n")
				args := []string{"--poll-interval", "1h"}
				if watch == "by polling" {
					args = []string{"--poll-interval", "5ms"}
				}
				run := d.follow(commontest.Config{}, tt.pattern, args...)
				expect(t, run, "one")
				tt.do(d, run)
				stop(t, run)
			})
		}
	}
}

// TestRotationWhileStopped changes files between two runs.
func TestRotationWhileStopped(t *testing.T) {
	t.Parallel()
	rotate := func(d folder, next string) {
		d.rename("a.log", "a.log.1")
		d.write("a.log", next)
	}
	tests := []struct {
		name    string
		pattern string
		first   string
		do      func(d folder)
		want    []string
	}{
		{"resumes at the byte", "a.log", "one\nhal", func(d folder) { d.write("a.log", "f\nthree\n") }, []string{"half", "three"}},
		{
			"reads the rest of a rotated file", "a.log", "one\n",
			func(d folder) { d.write("a.log", "two\n"); rotate(d, "three\n") },
			[]string{"two", "three"},
		},
		{"reads the rest of a file rotated to a dated name", "a.log", "one\n", func(d folder) {
			d.write("a.log", "two\n")
			d.rename("a.log", "a-2026-11-22T02-27-50.000.log")
			d.write("a.log", "three\n")
		}, []string{"two", "three"}},
		{"reads the files of several rotations in order", "a.log", "one\n", func(d folder) {
			d.write("a.log", "two\n")
			rotate(d, "three\n")
			d.rename("a.log.1", "a.log.2")
			rotate(d, "four\n")
			d.write("a-log.5", "another file\n")
		}, []string{"two", "three", "four"}},
		{"reads the rest of a rotated file that the glob names too", "a.log*", "one\n", func(d folder) {
			d.write("a.log", "two\n")
			rotate(d, "three\n")
		}, []string{"two", "three"}},
		{
			"sends nothing twice when nothing took the place of a rotated file", "a.log*", "one\n",
			func(d folder) { d.rename("a.log", "a.log.1"); d.write("a.log.1", "two\n") },
			[]string{"two"},
		},
		{"begins anew after a truncation", "a.log", "one\n", func(d folder) { d.truncate("a.log"); d.write("a.log", "2\n") }, []string{"2"}},
		{
			"begins anew when the content is another", "a.log", "one\n",
			func(d folder) { d.must(os.WriteFile(d.path("a.log"), []byte("ONE\ntwo\n"), 0o600)) },
			[]string{"ONE", "two"},
		},
		{"reads the rest of a truncated file from its copy", "a.log", "one\n" + long + "\n", func(d folder) {
			d.write("a.log", "two\n")
			d.copy("a.log", "a.log.1")
			d.truncate("a.log")
			d.write("a.log", "three\n")
		}, []string{"two", "three"}},
		{
			"reads the file in the place of one that is gone", "a.log", "one\n",
			func(d folder) { d.write("b", ""); d.remove("a.log"); d.write("a.log", "two, longer\n") },
			[]string{"two, longer"},
		},
		{
			"takes a file for the same although it was moved and back", "a.log", "one\n",
			func(d folder) { d.rename("a.log", "b"); d.rename("b", "a.log") }, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newFolder(t)
			d.write("a.log", tt.first)
			run := d.follow(commontest.Config{}, tt.pattern)
			for range strings.Count(tt.first, "\n") {
				run.Next()
			}
			positions := stop(t, run)
			tt.do(d)
			want(t, d.read(commontest.Config{Positions: positions}, tt.pattern), tt.want...)
			run = d.follow(commontest.Config{Positions: positions}, tt.pattern)
			expect(t, run, tt.want...)
			stop(t, run)
			want(t, run, tt.want...)
		})
	}
}

func TestChainOfRotationsInAGlobIsSentOnce(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "A\n")
	run := d.follow(commontest.Config{}, "a.log*")
	expect(t, run, "A")
	d.rename("a.log", "a.log.1")
	d.write("a.log", "B\n")
	expect(t, run, "B")
	commontest.Await(t, "the rotated file's own position", func() bool { return run.Positions()[d.path("a.log.1")] != "" })
	positions := stop(t, run)
	d.write("a.log", "B2\n")
	d.rename("a.log.1", "a.log.2")
	d.rename("a.log", "a.log.1")
	d.write("a.log", "C\n")
	run = d.follow(commontest.Config{Positions: positions}, "a.log*")
	expect(t, run, "B2", "C")
	d.write("a.log.2", "A2\n")
	expect(t, run, "A2")
	commontest.Await(t, "the positions of all three", func() bool { return run.Positions()[d.path("a.log.2")] != "" })
	positions = stop(t, run)
	want(t, d.read(commontest.Config{Positions: positions}, "a.log*"))
}

func TestOnceReadsTheRestOfAFileThatWasMovedAway(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "one\n")
	positions := d.read(commontest.Config{}, "a.log").Positions()
	d.write("a.log", "two\n")
	d.rename("a.log", "a.log.1")
	want(t, d.read(commontest.Config{Positions: positions}, "a.log"), "two")
}

func TestFollowsLinks(t *testing.T) {
	d := newFolder(t)
	d.must(os.MkdirAll(d.path("pods/x"), 0o700))
	d.write("pods/x/0.log", "one\n")
	d.must(os.Symlink(d.path("pods/x/0.log"), d.path("x.log")))
	run := d.follow(commontest.Config{}, "*.log", "--poll-interval", "1h")
	expect(t, run, "one")
	d.write("pods/x/0.log", "two\n") // noticed in the folder of the link's target
	expect(t, run, "two")
	positions := stop(t, run)
	d.write("pods/x/0.log", "three\n")
	d.rename("pods/x/0.log", "pods/x/0.log.20261122-022750")
	d.write("pods/x/0.log", "four\n")
	run = d.follow(commontest.Config{Positions: positions}, "*.log")
	expect(t, run, "three", "four")
	d.write("pods/x/1.log", "five\n")
	d.remove("x.log")
	d.must(os.Symlink(d.path("pods/x/1.log"), d.path("x.log")))
	expect(t, run, "five")
}

func TestMoreFilesThanPlaces(t *testing.T) {
	d := newFolder(t)
	names := []string{"a.log", "b.log", "c.log", "d.log", "e.log"}
	for _, name := range names {
		d.write(name, name+"\n")
	}
	run := d.follow(commontest.Config{}, "*.log", "--max-files", "2")
	var got []string
	for range names {
		got = append(got, string(run.Next().Value))
	}
	if slices.Sort(got); !slices.Equal(got, names) {
		t.Fatalf("got %q", got)
	}
	for _, name := range names {
		d.write(name, "more of "+name+"\n")
		expect(t, run, "more of "+name)
	}
	d.write("a.log", "last\n")
	d.rename("a.log", "a.log.1")
	d.write("a.log", "new\n")
	expect(t, run, "last", "new")
}

func TestUnreadable(t *testing.T) {
	t.Run("does not keep others from being read, and is tried again", func(t *testing.T) {
		d := newFolder(t)
		d.must(os.Symlink("loop.log", d.path("loop.log")))
		d.write("a.log", "a\n")
		run := d.follow(commontest.Config{}, "*.log")
		expect(t, run, "a")
		d.remove("loop.log")
		d.write("loop.log", "mended\n")
		expect(t, run, "mended")
	})
	t.Run("fails a bounded pass after the others are read", func(t *testing.T) {
		d := newFolder(t)
		d.must(os.Symlink("loop.log", d.path("loop.log")))
		d.write("a.log", "a\n")
		run := d.follow(commontest.Config{Once: true}, "*.log")
		expect(t, run, "a")
		d.remove("loop.log")
		if err := run.Wait(); err != nil { // the next session finds nothing wrong
			t.Error(err)
		}
	})
	t.Run("fails the session when there is nothing else", func(t *testing.T) {
		d := newFolder(t)
		d.must(os.Symlink("a.log", d.path("a.log")))
		run := d.follow(commontest.Config{}, "a.log")
		d.remove("a.log")
		d.write("a.log", "mended\n")
		expect(t, run, "mended")
	})
}

func TestRefusesPositionsOfAnotherVersion(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "a\n")
	for partition, position := range map[string]string{d.path("a.log"): "2:what", "": "2:started"} {
		run := d.follow(commontest.Config{Positions: map[string]string{partition: position}}, "a.log")
		if err := run.Wait(); err == nil || !strings.Contains(err.Error(), "not one that this version can read") {
			t.Errorf("%q: got %v", partition, err)
		}
	}
}
