package cmd

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/verify"
)

// runRelease runs a command line of release.
func runRelease(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var c releaseCmd
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	parsed.BindTo(t.Context(), (*context.Context)(nil))
	var out bytes.Buffer
	err = parsed.Run(streams{&out, &out})
	return out.String(), err
}

func TestReleaseHoldsWhatItsSumsSay(t *testing.T) {
	root := imageRepository(t)
	if _, err := runRelease(t, "--root", root); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(root, "dist", "release")
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	const want = "SHA256SUMS demo-source-linux-amd64 demo-source-linux-arm64 index.json patchbay-linux-amd64 patchbay-linux-arm64"
	if got := strings.Join(names, " "); got != want {
		t.Fatalf("files %q, want %q", got, want)
	}
	published := readFile(t, filepath.Join(out, sumsFile))
	sums, err := verify.ParseSums([]byte(published))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names[1:] {
		if want := strings.TrimPrefix(evidence.Digest([]byte(readFile(t, filepath.Join(out, name)))), "sha256:"); sums[name] != want {
			t.Errorf("%s has the sum %q, want %q", name, sums[name], want)
		}
	}

	// Once more, elsewhere: the same bytes.
	again := t.TempDir()
	if _, err := runRelease(t, "--root", root, "--out", again); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, filepath.Join(again, sumsFile)); got != published {
		t.Errorf("the sums are\n%s, want\n%s", got, published)
	}
}

// Sums never vouch for what was not built: neither for a connector that was not proved as it is, nor for what is left of a
// release that failed.
func TestReleaseOfWhatHasChanged(t *testing.T) {
	root := imageRepository(t)
	writeFiles(t, root, map[string]string{"catalog/connectors/demo-source/1.2.3.json": "{}\n"})
	if _, err := runRelease(t, "--root", root, "demo-source"); err == nil || !strings.Contains(err.Error(), "is not what the catalog holds") {
		t.Errorf("a connector that prints other metadata: %v", err)
	}
	if _, err := runRelease(t, "--root", root, "patchbay"); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, root, map[string]string{"tools/patchbay/main.go": "package main\n\nfunc main() { what? }\n"})
	if _, err := runRelease(t, "--root", root, "patchbay"); err == nil {
		t.Error("what does not compile is released")
	}
	if _, err := os.Stat(filepath.Join(root, "dist", "release", sumsFile)); err == nil {
		t.Error("the sums of before are still there")
	}
	writeFiles(t, root, map[string]string{"connectors/sources/demo-source/x.go": "package main\n"})
	if _, err := runRelease(t, "--root", root, "demo-source"); err == nil || !strings.Contains(err.Error(), "has changed since the catalog proved it") {
		t.Errorf("a connector that has changed: %v", err)
	}
}
