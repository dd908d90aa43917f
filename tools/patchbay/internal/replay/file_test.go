package replay_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/replay"
)

func TestAFileIsReplayedPastDamagedLines(t *testing.T) {
	url := startBroker(t)
	path := filepath.Join(t.TempDir(), "letters.jsonl")
	lines := []string{
		`{"time":"2026-01-02T03:04:05Z","pipeline":"p","side":"sink","dead":{"id":"a.dead.p","value":"1","headers":{"Patchbay-Dead-Id":"a"}}}`,
		`{"time":"2026-01-02T03:09:05Z","pipeline":"p","side":"sink","dead":{"id":"a.dead.p","value":"2","headers":{"Patchbay-Dead-Id":"a"}}}`,
		`{"time":"2026-01-02T03:04:05Z","pipeline":"p","si`,
		`{"time":"2026-01-02T03:04:05Z","pipeline":"p","side":"sink","dead":{"value":"same"}}`,
		`{"time":"2026-01-02T03:04:05Z","pipeline":"p","side":"sink","dead":{"value":"same"}}`,
		``,
		`{"record":{"value":"no letter"}}`,
		`{"time":"2026-01-02T03:04:05Z","pipeline":"p","side":"sink","dead":{"value_base64":"/wA="}}`,
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time, ids tell that all of it is there
		f, err := replay.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := pass(t, url, func(c *replay.Config) { c.Letters, c.To = f, "demo" })
		if err != nil || sum.Replayed != 5 {
			t.Fatalf("%+v, %v", sum, err)
		}
		if err := f.Damaged(); err == nil || !strings.Contains(err.Error(), "letters.jsonl:3: this line is no dead letter (2 such lines)") {
			t.Errorf("damaged lines: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	wantValues(t, content(t, url, "demo"), "1", "2", "same", "same", "\xff\x00")
}

func TestWhatIsNoFileOfLettersIsRefused(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := replay.OpenFile(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
