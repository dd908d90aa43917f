// Package probe asks a connector for its metadata, with nothing of ours in its environment and with limits on everything.
package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/strictjson"
)

// The limits within which a connector must print its metadata. Deadline is what callers of Run give it, except in tests.
const (
	Deadline  = 10 * time.Second
	MaxStdout = 4 << 20
	MaxStderr = 1 << 20
)

// Env is the whole environment of a connector under examination: PATH, because scripts are connectors too, a home that is
// thrown away and a locale that is the same everywhere.
func Env(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8"}
}

// Run runs a command that prints metadata within a deadline and returns the bytes. The error is a finding.Finding without
// Connector, or ctx's.
func Run(ctx context.Context, argv []string, dir, home string, deadline time.Duration) ([]byte, error) {
	result, err := proc.Run(ctx, proc.Spec{
		Argv: argv, Dir: dir, Env: Env(home), Deadline: deadline, MaxStdout: MaxStdout, MaxStderr: MaxStderr,
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	bad := finding.Finding{Rule: "metadata-runs", Where: "metadata", Fix: "mend that; to see it again: bin/" + filepath.Base(argv[0]) + " metadata"}
	switch {
	case errors.Is(err, proc.ErrDeadline):
		bad.Rule, bad.Fix = "metadata-in-time", "metadata must need no network, no input and no required flag"
		bad.Message = err.Error()
	case errors.Is(err, proc.ErrTooMuch):
		bad.Rule, bad.Fix = "metadata-size", "print the document and nothing else"
		bad.Message = err.Error()
	case err != nil:
		bad.Message = err.Error()
	case result.Status != 0:
		bad.Message = fmt.Sprintf("status %d", result.Status)
		if said := complaint(result.Stderr); said != "" {
			bad.Message += ": " + said
		}
	default:
		return result.Stdout, nil
	}
	return nil, bad
}

// crash is how a Go program that dies begins to say why; a stack follows.
var crash = regexp.MustCompile(`(?m)^(panic|fatal error): .*$`)

// complaint is what a program that failed says of it: its last lines, or why it crashed and the first place of the stack that
// is not the runtime's.
func complaint(stderr []byte) string {
	why := crash.FindIndex(stderr)
	if why == nil {
		return proc.Tail(stderr, 20)
	}
	said := string(stderr[why[0]:why[1]])
	for line := range strings.Lines(string(stderr[why[1]:])) {
		place, _, _ := strings.Cut(strings.TrimSpace(line), " +0x")
		if strings.HasSuffix(strings.TrimRight(place, "0123456789"), "main.go:") {
			return said + " (" + place + ")"
		}
	}
	return said
}

// Decode reads a metadata document without mercy and returns it with its bytes in the one form in which the catalog
// keeps it. The one mercy is for the case of the direction, in programs that are not built on common. The error is a finding.Finding without Connector.
func Decode(output []byte) (doc metadata.Document, text []byte, err error) {
	bad := finding.Finding{Rule: "metadata-json", Where: "metadata", Fix: "print one JSON document on stdout, and logs on stderr"}
	if err := strictjson.Check(output); err != nil {
		bad.Message = err.Error()
		return doc, nil, bad
	}
	if err := json.Unmarshal(output, &doc); err != nil {
		bad.Rule, bad.Message, bad.Fix = "metadata-schema", err.Error(), "compare it with catalog/schemas/metadata.json"
		return doc, nil, bad
	}
	text, err = Normalise(output)
	if err != nil {
		bad.Message = err.Error()
		return doc, nil, bad
	}
	if doc.SDKVersion == "" {
		text = lowerDirection(&doc, text)
	}
	return doc, text, nil
}

// lowerDirection writes the direction as the catalog has it where a program that is not built on common says Source or
// Sink, as is custom elsewhere.
func lowerDirection(doc *metadata.Document, text []byte) []byte {
	if doc.Direction != "Source" && doc.Direction != "Sink" {
		return text
	}
	said := doc.Direction
	doc.Direction = metadata.Direction(strings.ToLower(string(said)))
	// In normalised text only a member of the document itself stands two spaces from the start of a line.
	line := func(d metadata.Direction) []byte { return fmt.Appendf(nil, "\n  \"direction\": %q", d) }
	return bytes.Replace(text, line(said), line(doc.Direction), 1)
}

// Normalise lays JSON out as the catalog keeps it: two spaces, keys and values as they were, a newline at the end.
func Normalise(text []byte) ([]byte, error) { return pretty.JSON(json.RawMessage(text)) }
