package probe

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

func TestRunNamesWhatIsWrong(t *testing.T) {
	tests := []struct {
		name, script string
		deadline     time.Duration
		rule, says   string
	}{
		{"a status", "echo no idea >&2; exit 3", time.Minute, "metadata-runs", "status 3: no idea"},
		{"a signal", "kill -9 $$", time.Minute, "metadata-runs", "died of signal"},
		{"a program that waits", "sleep 60", 50 * time.Millisecond, "metadata-in-time", "50ms"},
		{
			"a crash", "printf 'panic: a nil map\n\ngoroutine 1 [running]:\nx.F()\n\t/go/x.go:3 +0x1\nmain.main()\n\t/a/main.go:14 +0x29a\n' >&2; exit 2",
			time.Minute, "metadata-runs", "status 2: panic: a nil map (/a/main.go:14)",
		},
		{"a flood", "yes", time.Minute, "metadata-size", "printed more"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Run(t.Context(), []string{"sh", "-c", tt.script}, "", t.TempDir(), tt.deadline)
			var found finding.Finding
			if !errors.As(err, &found) || found.Rule != tt.rule || !strings.Contains(found.Message, tt.says) || strings.Contains(found.Message, "goroutine") {
				t.Errorf("%v", err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, []string{"true"}, "", t.TempDir(), time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run is blamed on the connector: %v", err)
	}
}

func TestRunShowsNothingOfOurEnvironment(t *testing.T) {
	t.Setenv("CANARY", "x")
	home := t.TempDir()
	output, err := Run(t.Context(), []string{"sh", "-c", `echo "$CANARY $HOME $LANG"`}, "", home, time.Minute)
	if want := " " + home + " C.UTF-8\n"; err != nil || string(output) != want {
		t.Errorf("%q, %v; want %q", output, err, want)
	}
}

func TestDecodeKeepsKeysAndOrder(t *testing.T) {
	doc, text, err := Decode([]byte(`{"version":"1.0.0","x-b":[1.50,"<é>"],"name":"a-source"}`))
	want := "{\n  \"version\": \"1.0.0\",\n  \"x-b\": [\n    1.50,\n    \"<é>\"\n  ],\n  \"name\": \"a-source\"\n}\n"
	if err != nil || doc.Name != "a-source" || string(text) != want {
		t.Errorf("%s%v", text, err)
	}
	for text, rule := range map[string]string{`{"name": 5}`: "metadata-schema", `{"a": 1} x`: "metadata-json", ``: "metadata-json"} {
		var found finding.Finding
		if _, _, err := Decode([]byte(text)); !errors.As(err, &found) || found.Rule != rule {
			t.Errorf("%q: %v, want %s", text, err, rule)
		}
	}
}

func TestDecodeUnderstandsADirectionInCapitals(t *testing.T) {
	const nested = `"x-note":{"direction":"Source"}`
	doc, text, err := Decode([]byte(`{` + nested + `,"direction":"Source"}`))
	want := "{\n  \"x-note\": {\n    \"direction\": \"Source\"\n  },\n  \"direction\": \"source\"\n}\n"
	if err != nil || doc.Direction != metadata.Source || string(text) != want {
		t.Errorf("%q, %s%v", doc.Direction, text, err)
	}
	for _, strict := range []string{`"direction":"Source","sdk_version":"1"`, `"direction":"SOURCE"`} {
		if doc, text, err := Decode([]byte("{" + strict + "}")); err != nil || doc.Direction == metadata.Source || bytes.Contains(text, []byte(`"source"`)) {
			t.Errorf("%s: %q, %s%v", strict, doc.Direction, text, err)
		}
	}
}
