package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
)

func TestParseTAP(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []Test
		err  bool
	}{
		{
			"reads results", "TAP version 13\n1..2\nok 1 - first\nok 2 second\n",
			[]Test{test("tap", "first", metadata.Passed, ""), test("tap", "second", metadata.Passed, "")},
			false,
		},
		{
			"reads why a test failed", "not ok 1 - bad\n# (in test file)\n#  line 3\nok 2 - good\n# not about it\n",
			[]Test{test("tap", "bad", metadata.Failed, " (in test file)\n  line 3\n"), test("tap", "good", metadata.Passed, "")},
			false,
		},
		{
			"reads why a test was skipped", "ok 1 - x # skip no server\nok 2 # SKIP\n",
			[]Test{test("tap", "x", metadata.Skipped, "no server"), test("tap", "test 2", metadata.Skipped, "")},
			false,
		},
		{"counts a TODO as what it is", "not ok 1 - x # TODO later\n", []Test{test("tap", "x", metadata.Failed, "")}, false},
		{
			"adds up several producers", "1..1\nok 1 - a\n1..1\nok 1 - b\n",
			[]Test{test("tap", "a", metadata.Passed, ""), test("tap", "b", metadata.Passed, "")},
			false,
		},
		{"refuses a plan that is not kept", "1..2\nok 1 - a\n", []Test{test("tap", "a", metadata.Passed, "")}, true},
		{"refuses a run that bailed out", "1..1\nBail out! no disk\n", nil, true},
		{"reads a run that was skipped as a whole", "1..0 # SKIP no browser\n", []Test{test("tap", "everything", metadata.Skipped, "no browser")}, false},
		{"finds no test in other output", "go: downloading\nokay\nok  \texample.com/pkg\t0.1s\nok\n", nil, false},
		{"reads a result without a number", "ok - a\n", []Test{test("tap", "a", metadata.Passed, "")}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseTAP([]byte(tt.text))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if (err != nil) != tt.err {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A test may say as much as an output holds, of which each line must cost the same.
func TestParseTAPReadsManyLinesOfOneTest(t *testing.T) {
	const lines = 10_000
	text := []byte("not ok 1 - x\n" + strings.Repeat("#\n", lines))
	var got []Test
	allocations := testing.AllocsPerRun(1, func() { got, _ = ParseTAP(text) })
	if len(got) != 1 || len(got[0].Detail) != lines {
		t.Errorf("%d tests", len(got))
	}
	if allocations > lines/10 {
		t.Errorf("%g allocations for %d lines: the text is copied for each", allocations, lines)
	}
}

func TestParseJUnit(t *testing.T) {
	got, err := ParseJUnit([]byte(`<?xml version="1.0"?>
<testsuites><testsuite name="pkg" tests="3">
  <testcase classname="pkg/a" name="TestA" time="0.1"/>
  <testcase classname="pkg/a" name="TestB"><failure message="Failed" type="">want 1&#xA;got 2</failure></testcase>
  <testcase name="TestC"><skipped message="no server"/></testcase>
  <testcase name="TestD"><error>boom</error></testcase>
  <testsuite name="inner"><testcase name="TestE"/></testsuite>
</testsuite></testsuites>`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Test{
		test("pkg/a", "TestA", metadata.Passed, ""), test("pkg/a", "TestB", metadata.Failed, "Failed\nwant 1\ngot 2"),
		test("pkg", "TestC", metadata.Skipped, "no server"), test("pkg", "TestD", metadata.Failed, "boom"), test("inner", "TestE", metadata.Passed, ""),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := ParseJUnit([]byte(`<testsuite name="x.bats"><testcase classname="x.bats" name="works"/></testsuite>`)); err != nil || len(got) != 1 {
		t.Errorf("a single suite: %v, %v", got, err)
	}
	if _, err := ParseJUnit([]byte(`<testsuites>`)); err == nil {
		t.Error("half a report is accepted")
	}
}
