package blackbox

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
)

func TestConnectorsOnCommonTryProvenOptionsInTurns(t *testing.T) {
	const list = `{"shared": {"type": "string", "x-shared": true}, "own": {"type": "string"}}`
	compiled, err := schema.Compile([]byte(`{"properties": ` + list + `}`))
	if err != nil {
		t.Fatal(err)
	}
	count := func(name string, p Profile) (shared map[string]bool, own int, turn int) {
		x := &examiner{profile: p, doc: metadata.Document{Name: name}, options: properties(t, list), base: document{}}
		x.Subject.Compiled = compiled
		shared = map[string]bool{}
		for _, trial := range x.makeTrials() {
			switch trial.test {
			case "option shared":
				shared[string(trial.text)] = true
			case "option own":
				own++
			}
		}
		return shared, own, x.turn()
	}
	everything, want, _ := count("a-source", Core)
	together, seen := map[string]bool{}, map[int]bool{}
	for c := 'a'; c <= 'z'; c++ {
		some, own, turn := count(string(c)+"-source", SDK)
		if own != want {
			t.Errorf("%c tries %d of its own values, not %d", c, own, want)
		}
		if len(some) > len(everything)/3 {
			t.Errorf("%c tries %d of %d shared values", c, len(some), len(everything))
		}
		maps.Copy(together, some)
		seen[turn] = true
	}
	if len(seen) != turns || len(together) != len(everything) {
		t.Errorf("26 connectors take %d turns and try %d of %d values", len(seen), len(together), len(everything))
	}
}

// enterAll lets a fake connector with a quirk judge documents, and what comes in by the other doors.
func enterAll(t *testing.T, quirk string) *examiner {
	t.Helper()
	x := examine(t, "a-source", quirk, Core)
	x.trials = x.makeTrials()
	if err := x.parity(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := x.doors(t.Context()); err != nil {
		t.Fatal(err)
	}
	return x
}

// All bad values share a run. The one that is not refused there must be found all the same, and by its name.
func TestAFlagThatIsNotJudgedIsFound(t *testing.T) {
	problems := enterAll(t, "deaf").problems()
	if got := slices.Sorted(maps.Keys(problems)); !slices.Equal(got, []string{flagParity}) {
		t.Errorf("broken: %v", problems)
	}
	if !strings.Contains(problems[flagParity], "--limit, value 0: status 0, but validate --batch says 2") {
		t.Errorf("%s", problems[flagParity])
	}
}

func TestBadValuesShareARun(t *testing.T) {
	x := enterAll(t, "")
	if bad := len(x.samples.bad); bad < 4 || x.starts > 12 || len(x.problems()) > 0 {
		t.Errorf("%d starts for %d bad values, %v", x.starts, bad, x.problems())
	}
}
