package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/cmd"
)

// TestNativeConnector takes a connector with a C library and a build rule of its own through the whole generator, without
// a trace in the tree.
func TestNativeConnector(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a connector with a C compiler; run without -short")
	}
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("there is no C compiler; install gcc")
	}
	temp := t.TempDir()
	t.Setenv("GOCACHE", goCache(t)) // before its default moves with the other cache, and everything is compiled anew
	t.Setenv("XDG_CACHE_HOME", filepath.Join(temp, "cache"))
	var out bytes.Buffer
	status := cmd.Run(context.Background(), []string{"generate", "--root", "testdata/native", "--bin", filepath.Join(temp, "bin"), "--out", filepath.Join(temp, "out")}, &out, &out)
	if status != 0 {
		t.Fatalf("status %d\n%s", status, out.String())
	}
	if _, err := os.Stat(filepath.Join(temp, "out", "connectors", "native-source", "0.1.0.json")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat("testdata/native/catalog"); err == nil {
		t.Error("the generator wrote into the tree")
	}
}

// goCache returns the build cache of whoever runs the test, which must not move with XDG_CACHE_HOME.
func goCache(t *testing.T) string {
	t.Helper()
	output, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(output))
}
