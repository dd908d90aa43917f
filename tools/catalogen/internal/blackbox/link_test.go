package blackbox

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
)

// patient is a tempo at which a fake that breaks a rule gets to it, however busy the machine is.
var patient = tempo{patience: 30 * time.Second, pause: 500 * time.Millisecond, quiet: 2 * time.Second}

func TestLinkQuirksBreakOneRuleEach(t *testing.T) {
	tests := []struct{ connector, quirk, rule, says string }{
		{"a-source", "", "", ""},
		{"a-sink", "", "", ""},
		{"a-source", "waits-for-hello", linkHello, "it wrote no line"},
		{"a-source", "says-hello", linkHello, "line 1 is hello"},
		{"a-source", "chatty-link", linkFrames, `line 2: "listening"`},
		{"a-source", "wrong-frame", linkFrames, "line 2 is a stop frame"},
		{"a-source", "hasty", linkResume, "before it was told where to resume"},
		{"a-source", "repeats", linkResume, "which was delivered and saved in the run before"},
		{"a-source", "greedy", linkCredit, "record 3 without an answer, for a credit of 2"},
		{"a-source", "early-save", linkSave, "has no answer yet"},
		{"a-source", "forgetful", linkSave, "were acknowledged, and it saved none"},
		{"a-source", "ends-badly", linkStop, "status 3, not 0"},
		{"a-source", "stops-badly", signalTerm, "status 3, not 0"},
		{"a-source", "stops-badly", signalInterrupt, "status 3, not 0"},
		{"a-source", "dies", signalTerm, "it was killed"},
		{"a-sink", "overeager", linkAnswers, "it answers line 99, of 3"},
		{"a-sink", "mute", linkAnswers, "has no answer, although the input ended without a stop"},
	}
	examined := make([]*examiner, len(tests))
	for i, tt := range tests {
		examined[i] = examine(t, tt.connector, tt.quirk, Core)
		examined[i].tempo = patient
		if tt.quirk == "waits-for-hello" {
			examined[i].patience = time.Second // it never says a word
		}
	}
	// They mostly wait, so all of them may do so at once.
	err := parallel.Each(t.Context(), len(tests), len(tests), func(ctx context.Context, i int) error { return examined[i].link(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range tests {
		t.Run(tt.connector+" "+tt.quirk, func(t *testing.T) {
			problems := examined[i].problems()
			if !strings.Contains(problems[tt.rule], tt.says) {
				t.Errorf("%s: %q", tt.rule, problems[tt.rule])
			}
			for _, rule := range slices.Sorted(maps.Keys(problems)) {
				signals := strings.HasPrefix(rule, "signal-") && strings.HasPrefix(tt.rule, "signal-")
				if rule != tt.rule && !signals {
					t.Errorf("%s is broken too: %s", rule, problems[rule])
				}
			}
		})
	}
}

func TestEveryLinkRuleIsTriedOrDoesNotApply(t *testing.T) {
	for connector, want := range map[string]string{
		"a-source": "link-answers", "a-sink": "link-credit link-resume link-save",
	} {
		x := examine(t, connector, "", Core)
		if err := x.link(t.Context()); err != nil {
			t.Fatal(err)
		}
		var idle []string
		for _, r := range Rules {
			if !strings.HasPrefix(r.ID, "link-") && !strings.HasPrefix(r.ID, "signal-") {
				continue
			}
			switch got := x.notebook[r.ID]; {
			case got == nil:
				t.Errorf("%s: %s is not tried", connector, r.ID)
			case got.Status == NotApplicable:
				idle = append(idle, r.ID)
			}
		}
		if got := strings.Join(idle, " "); got != want {
			t.Errorf("%s: %s does not apply, want %s", connector, got, want)
		}
	}
}

// A source that begins at the end of a file shows nothing unless the file grows.
func TestASourceThatIsReadyFindsMore(t *testing.T) {
	x := examine(t, "a-source", "", Core)
	if err := x.link(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(x.growing())
	if lines := strings.Count(string(text), "\n"); err != nil || lines != 4*3*window { // at first, and in three runs
		t.Errorf("%d lines, %v", lines, err)
	}
}
