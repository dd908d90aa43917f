package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRunRemovesItsScratchFolderAlsoWhenItFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scratch")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), []string{"--scratch", dir, "--part", "x"}); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a part that is none", []string{"--part", "x"}, "BENCH is one of start, schema, jq, smartmodule, catalog, size, pipe"},
		{"a table of one part", []string{"--part", "jq", "--markdown"}, "leave BENCH out"},
		{"a tree that is not built", []string{"--bin", "nowhere"}, "run make build first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := run(context.Background(), tt.args); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestBenchTimes(t *testing.T) {
	got := benchTimes("goos: linux\nBenchmarkApply/map-2 \t 100\t 9530 ns/op\t 31.4 MB/s\t 10 B/op\n" +
		"BenchmarkApply/map-2 \t 100\t 8000.5 ns/op\nBenchmarkBareLoop/map \t 7\t 24000 ns/op\nPASS\n")
	want := map[string][]float64{"Apply/map": {9530e-9, 8000.5e-9}, "BareLoop/map": {24000e-9}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsAreOf300Bytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records")
	if err := writeRecords(path); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); n++ {
		if len(lines.Bytes()) != 300 {
			t.Fatalf("record %d has %d bytes", n, len(lines.Bytes()))
		}
	}
	if n != jqRecords {
		t.Errorf("%d records", n)
	}
}

func TestConnectorsBeginWithTheOneThatOthersAreComparedWith(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a-sink", "patchbay", "z-source", "generate-source"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	got, err := (&bench{bin: dir}).connectors()
	if want := []string{"generate-source", "a-sink", "z-source"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMissing(t *testing.T) {
	got := missing(map[string]bool{"c": true, "a": true, "b": true}, map[string]bool{"b": true, "x": true})
	if !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("got %v", got)
	}
}

func TestFirstFinding(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	tests := []struct{ name, text, want string }{
		{
			"a refused connector",
			"make: [x] y\n\na-source [test-run] connectors/sources/a-source\n  make test ran no test\n",
			"a-source [test-run] connectors/sources/a-source: make test ran no test",
		},
		{"another failure", "test/install.sh: x\nplease run as root\n", "please run as root"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(log, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := firstFinding(log); got.Error() != tt.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestCopyTreeTakesTheTreeAsItIs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	script := `git init -q . && mkdir sub && echo old >sub/kept && echo x >removed && echo ignored >.gitignore &&
		git add . && git -c user.name=t -c user.email=t@example.com commit -qm first && git tag v1 &&
		echo new >sub/kept && rm removed && echo '#!/bin/sh' >added && chmod 755 added && touch ignored && ln -s added link`
	if output, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	tree := filepath.Join(t.TempDir(), "tree")
	if err := copyTree(context.Background(), tree); err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command("sh", "-c", `cd "$1" && find . -path ./.git -prune -o ! -type d -print | sort && cat sub/kept &&
		readlink link && test -x added && git tag`, "sh", tree).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "./.gitignore\n./added\n./link\n./sub/kept\nnew\nadded\nv1\n"
	if diff := cmp.Diff(want, string(list)); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentForAnotherMake(t *testing.T) {
	t.Setenv("MAKEFLAGS", "-j")
	t.Setenv("PATCHBAY_BIN_DIR", "elsewhere")
	t.Setenv("KEPT", "yes")
	env := strings.Join(environWithoutMake(), "\n")
	if strings.Contains(env, "MAKEFLAGS=") || strings.Contains(env, "PATCHBAY_BIN_DIR=") || !strings.Contains(env, "KEPT=yes") {
		t.Errorf("environment\n%s", env)
	}
}

func TestBenchCPU(t *testing.T) {
	got := benchCPU("BenchmarkRun/mask-2   \t 50\t  1234 ns/op\t   17.5 cpu-ns/record\t 6 B/op\nBenchmarkWarmStart/mask-2 \t5\t 9 ns/op\t 30.5 cpu-ms/op\n")
	for name, want := range map[string]float64{"Run/mask": 17.5e-9, "WarmStart/mask": 30.5e-3} {
		if len(got[name]) != 1 || got[name][0] != want {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
}
