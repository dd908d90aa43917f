// Package faults kills, cuts, stalls and damages whatever stands between a source and a sink, and compares what was sent with
// what arrived. The source, the sink and the broker are real processes: the test binary started again, playing the part that
// an environment variable names.
package faults_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/patchbay-dev/patchbay/common"
)

// partVariable makes the test binary play a part instead of testing.
const partVariable = "FAULTS_PART"

// Names under which the test binary plays a source or a sink that is driven over the link protocol.
const (
	linkedSource = "numbers-source"
	linkedSink   = "notes-sink"
)

// programs is the folder of programs that were built for a test; empty where none was.
var programs string

func TestMain(m *testing.M) {
	part := os.Getenv(partVariable)
	if name := filepath.Base(os.Args[0]); name == linkedSource || name == linkedSink {
		part = name // its input is the link, which ends with whoever drives it
	} else if part != "" {
		go outlive()
	}
	switch part {
	case "":
	case "source", "recurring-source", linkedSource:
		play(m, func() {
			common.RunSource(common.Info{
				Name: "numbers-source", Version: "0.1.0", Category: "Testing", Description: "Sends numbers.",
				Resumes: true, PositionsRecur: part == "recurring-source",
			}, &Numbers{})
		})
	case "sink", linkedSink:
		play(m, func() {
			common.RunSink(common.Info{
				Name: "ledger-sink", Version: "0.1.0", Category: "Testing", Description: "Notes what it was given.",
			}, &Notes{})
		})
	case "storm":
		storm()
	case "broker":
		serve()
	default:
		fmt.Fprintf(os.Stderr, "no such part: %s\n", part)
		os.Exit(2)
	}
	flag.Parse()
	// What a test does is mostly to wait for processes, so more of them run at a time than there are processors.
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("8"); err != nil {
			panic(err)
		}
	}
	status := m.Run()
	if err := os.RemoveAll(programs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	if status == 0 && *table != "" {
		if err := writeTable(*table); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	os.Exit(status)
}

// outlive ends a part with the test that started it, however that ends: by then nobody holds the other end of its input.
func outlive() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(3)
}
