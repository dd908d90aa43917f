package kps

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// finder is a connector that finds streams as long as there is a file beside it; each time it adds a line to another.
const finder = `#!/bin/sh
dir=$(dirname "$0")
case $1 in
metadata)
  cat <<'END'
{"name": "finder-source", "direction": "source", "version": "0.1.0", "commands": [{"name": "discover"}], "schema": {"type": "object", "properties": {
  "path": {"type": "string"}, "token": {"type": "string", "writeOnly": true}, "word": {"type": "string", "x-change": "config"}}}}
END
  ;;
discover)
  echo asked >>"$dir/asked"
  [ -e "$dir/there" ] || { echo "finder-source: no route" >&2; exit 1; }
  while [ "$1" != --config ]; do shift; done
  word=$(sed -n 's/.*"word": *"\([^"]*\)".*/\1/p' "$2")
  printf '{"name": "%s", "options": {"path": "/%s", "token": "canary"}}\n' "b$word" b a a
  ;;
esac
`

// found are the streams that GetPayload answers with, in short.
func (p *platform) found() []string {
	p.t.Helper()
	var all []string
	for _, payload := range p.get(pb.PayloadKind_PAYLOAD_KIND_STREAM) {
		s := payload.GetStream()
		all = append(all, fmt.Sprintf("%s %v subscribed=%v discovered=%v path=%v", s.GetId(), s.GetDirection(), s.GetSubscribed(), s.GetDiscovered(),
			s.GetMetadata().AsMap()["path"]))
		if strings.Contains(s.String(), "canary") {
			p.t.Error("a secret is shown")
		}
	}
	return all
}

func TestStreamsThatAConnectorFindsAreThere(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "finder-source")
	if err := os.WriteFile(program, []byte(finder), 0o700); err != nil {
		t.Fatal(err)
	}
	p := newPlatform(t, nil, program, sinkName)
	if all := p.found(); len(all) != 0 {
		t.Errorf("a connector that fails finds %v", all)
	}
	await(t, "the reason in the log", func() bool { return strings.Contains(p.logs.String(), "no route") })
	if err := os.WriteFile(filepath.Join(dir, "there"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.mustSet(config(map[string]any{"word": "x"})) // another config: it is asked again
	want := []string{
		"a STREAM_DIRECTION_INGRESS subscribed=false discovered=true path=/a",
		"bx STREAM_DIRECTION_INGRESS subscribed=false discovered=true path=/b",
	}
	for range 3 {
		if diff := cmp.Diff(want, p.found()); diff != "" {
			t.Error(diff)
		}
	}
	if asked := fileLines(filepath.Join(dir, "asked")); len(asked) != 2 {
		t.Errorf("the connector was asked %d times", len(asked))
	}
	// One of them is wanted, with an option of its own, and a stream of the same name in the other direction is another.
	p.mustSet(ingress("a", "a.in", map[string]any{"path": "/other"}), egress("bx", "bx.out", map[string]any{"path": filepath.Join(dir, "out")}))
	want = []string{
		"a STREAM_DIRECTION_INGRESS subscribed=true discovered=true path=/other",
		want[1],
		"bx STREAM_DIRECTION_EGRESS subscribed=true discovered=false path=" + filepath.Join(dir, "out"),
	}
	if diff := cmp.Diff(want, p.found()); diff != "" {
		t.Error(diff)
	}
}
