package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A folder is where a test keeps its files.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	return folder{t, t.TempDir()}
}

func (d folder) path(name string) string { return filepath.Join(d.dir, name) }

// write appends to a file, which it makes if need be.
func (d folder) write(name, text string) {
	d.t.Helper()
	file, err := os.OpenFile(d.path(name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		err = errorOf(err, file.Close())
	}
	d.must(err)
}

func (d folder) rename(from, to string) { d.t.Helper(); d.must(os.Rename(d.path(from), d.path(to))) }
func (d folder) remove(name string)     { d.t.Helper(); d.must(os.Remove(d.path(name))) }
func (d folder) truncate(name string)   { d.t.Helper(); d.must(os.Truncate(d.path(name), 0)) }

func (d folder) copy(from, to string) {
	d.t.Helper()
	data, err := os.ReadFile(d.path(from))
	d.must(errorOf(err, os.WriteFile(d.path(to), data, 0o600)))
}

func (d folder) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// quick are options that keep waits short.
var quick = []string{"--poll-interval", "10ms", "--rotate-wait", "30ms"}

// follow starts the source on files of the folder.
func (d folder) follow(c commontest.Config, pattern string, args ...string) *commontest.SourceRun {
	d.t.Helper()
	return commontest.StartSource[File](d.t, c, append(append([]string{"--path", d.path(pattern)}, quick...), args...)...)
}

// read reads files of the folder in one bounded pass.
func (d folder) read(c commontest.Config, pattern string, args ...string) *commontest.SourceRun {
	d.t.Helper()
	c.Once = true
	run := d.follow(c, pattern, args...)
	d.must(run.Wait())
	return run
}

// expect waits for the lines given, in this order, and no others between them.
func expect(t *testing.T, run *commontest.SourceRun, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if got := string(run.Next().Value); got != line {
			t.Fatalf("got the line %q, want %q", got, line)
		}
	}
}

func stop(t *testing.T, run *commontest.SourceRun) map[string]string {
	t.Helper()
	if err := run.Stop(); err != nil {
		t.Fatal(err)
	}
	return run.Positions()
}

// values are the payloads of records.
func values(records []common.Record) []string {
	lines := []string{}
	for _, rec := range records {
		lines = append(lines, string(rec.Value))
	}
	return lines
}

func want(t *testing.T, run *commontest.SourceRun, lines ...string) {
	t.Helper()
	if got := values(run.Records()); strings.Join(got, "\n") != strings.Join(lines, "\n") || len(got) != len(lines) {
		t.Errorf("got %q, want %q", got, lines)
	}
}

func TestLines(t *testing.T) {
	tests := []struct {
		name, content string
		args          []string
		want          []string
	}{
		{"ends a line at a newline", "a\nb\n", nil, []string{"a", "b"}},
		{"keeps empty lines", "\na\n\n", nil, []string{"", "a", ""}},
		{"strips one carriage return before a newline", "a\r\nb\r\r\n\rc\n", nil, []string{"a", "b\r", "\rc"}},
		{"sends a last line without a newline when the pass ends", "a\nb", nil, []string{"a", "b"}},
		{"keeps bytes that are no UTF-8", "\xff\x00\xfe\n", nil, []string{"\xff\x00\xfe"}},
		{"ends a line at a zero byte", "a\nb\r\x00c\x00", []string{"--delimiter", "nul"}, []string{"a\nb\r", "c"}},
		{"sends nothing for an empty file", "", nil, nil},
		{"joins a line from many chunks", strings.Repeat("x", 3*chunkSize+5) + "\ny\n", nil, []string{strings.Repeat("x", 3*chunkSize+5), "y"}},
		{"takes a line of just the longest size", "abcd\r\ne\n", []string{"--max-line", "4"}, []string{"abcd", "e"}},
		{
			"truncates longer lines", "abcde\nf\n" + strings.Repeat("x", chunkSize) + "\ny\n" + strings.Repeat("z", chunkSize+9),
			[]string{"--max-line", "4", "--long-lines", "truncate"},
			[]string{"abcd", "f", "xxxx", "y", "zzzz"},
		},
		{
			"skips longer lines", "abcde\nf\n" + strings.Repeat("x", chunkSize) + "\ny\nabcde",
			[]string{"--max-line", "4", "--long-lines", "skip"},
			[]string{"f", "y"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newFolder(t)
			d.write("a.log", tt.content)
			want(t, d.read(commontest.Config{}, "a.log", tt.args...), tt.want...)
		})
	}
}

func TestLongLineEndsTheSource(t *testing.T) {
	for _, content := range []string{"ok\nabcde\n", "ok\nabcdefgh"} {
		d := newFolder(t)
		d.write("a.log", content)
		run := d.follow(commontest.Config{}, "a.log", "--max-line", "4")
		err := run.Wait()
		if err == nil || !strings.Contains(err.Error(), "the line at byte 3 is longer than 4B; raise --max-line") {
			t.Errorf("%q: got the error %v", content, err)
		}
		want(t, run, "ok")
	}
}

func TestRecordSaysWhereItIsFrom(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "one\nlonger\n")
	run := d.read(commontest.Config{}, "a.log", "--max-line", "4", "--long-lines", "truncate")
	first, second := run.Next(), run.Next()
	if path := d.path("a.log"); first.Subject != path || first.Partition != path || first.Headers["file"] != path || len(first.Headers) != 1 {
		t.Errorf("got %+v", first)
	}
	if second.Headers["truncated"] != "true" {
		t.Errorf("got %+v", second)
	}
	if p, err := parsePosition(first.Position); err != nil || p.offset != 4 {
		t.Errorf("got the position %q", first.Position)
	}
}

func TestFollow(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "one\nhal")
	run := d.follow(commontest.Config{}, "a.log")
	expect(t, run, "one")
	d.write("a.log", "f\nthree\n")
	expect(t, run, "half", "three")
}

func TestWaitsForAFile(t *testing.T) {
	for _, pattern := range []string{"later.log", "*.log", "**/*.log"} {
		d := newFolder(t)
		d.write("other.txt", "other\n")
		run := d.follow(commontest.Config{}, pattern, "--from", "end", "--poll-interval", "20ms")
		d.waitReady(run)
		d.write("later.log", "one\n")
		expect(t, run, "one")
	}
}

// waitReady waits until the first scan is over.
func (d folder) waitReady(run *commontest.SourceRun) {
	d.t.Helper()
	commontest.Await(d.t, "the mark of the first scan", func() bool { return run.Positions()[""] == started })
}

func TestFromEnd(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "old\nhal")
	run := d.follow(commontest.Config{}, "*.log", "--from", "end")
	d.waitReady(run)
	commontest.Await(t, "the position of the file", func() bool { return run.Positions()[d.path("a.log")] != "" })
	d.write("b.log", "new file\n")
	expect(t, run, "new file")
	d.write("a.log", "f\n")
	expect(t, run, "half")
	positions := stop(t, run)
	d.write("c.log", "made while nobody looked\n")
	run = d.follow(commontest.Config{Positions: positions}, "*.log", "--from", "end")
	expect(t, run, "made while nobody looked")
}

func TestOnce(t *testing.T) {
	t.Run("reads a glob", func(t *testing.T) {
		d := newFolder(t)
		for i := range 5 {
			d.write(fmt.Sprintf("%d.log", i), fmt.Sprintf("line %d\n", i))
		}
		run := d.read(commontest.Config{}, "*.log", "--max-files", "1")
		want(t, run, "line 0", "line 1", "line 2", "line 3", "line 4")
	})
	t.Run("ends at once when a glob names nothing", func(t *testing.T) {
		want(t, newFolder(t).read(commontest.Config{}, "*.log"))
	})
	t.Run("fails when the file is missing", func(t *testing.T) {
		d := newFolder(t)
		err := d.follow(commontest.Config{Once: true}, "a.log").Wait()
		if err == nil || !strings.Contains(err.Error(), "a.log does not exist") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("continues where the last pass ended", func(t *testing.T) {
		d := newFolder(t)
		d.write("a.log", "one\n")
		positions := d.read(commontest.Config{}, "a.log").Positions()
		d.write("a.log", "two\n")
		run := d.read(commontest.Config{Positions: positions}, "a.log")
		want(t, run, "two")
		want(t, d.read(commontest.Config{Positions: run.Positions()}, "a.log"))
	})
}

func TestRefusesWhatIsNoFile(t *testing.T) {
	d := newFolder(t)
	err := d.follow(commontest.Config{}, ".").Wait()
	if err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("got %v", err)
	}
}

func TestOptions(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"path is no glob", []string{"--path", "a[b"}, "path"},
		{"exclude is no glob", []string{"--path", "a", "--exclude", "[b"}, "exclude"},
		{"max-line is zero", []string{"--path", "a", "--max-line", "0"}, "max-line"},
		{"rotate-wait is negative", []string{"--path", "a", "--rotate-wait", "-1s"}, "rotate-wait"},
		{"path is missing", nil, "path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := commontest.Parse[File](t, tt.args...)
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.want) {
				t.Errorf("got %v", errs)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	d := newFolder(t)
	d.write("a.log", "")
	d.must(os.Symlink("loop.log", d.path("loop.log")))
	tests := []struct{ path, want string }{
		{"a.log", ""}, {"b.log", "does not exist"}, {"*.txt", ""}, {".", "no regular file"}, {"*.log", "loop.log"},
	}
	for _, tt := range tests {
		err := commontest.Options[File](t, "--path", d.path(tt.path)).Check(t.Context())
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("check of %s: got %v, want %q", tt.path, err, tt.want)
		}
	}
}

func TestContract(t *testing.T) {
	d, lines := newFolder(t), 0
	commontest.Contract[File](t, commontest.Promise{
		Args: append([]string{"--path", d.path("a")}, quick...), Resumes: true,
		More: func(n int) {
			for range n {
				lines++
				d.write("a", fmt.Sprintf("line %d\n", lines))
			}
		},
	})
}
