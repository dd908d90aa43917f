package blackbox

import (
	"slices"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/change"
)

// What the comparison says of options that became one, or whose former name is another's now, the program shows.
func TestReplayAgreesAboutNamesThatWereTaken(t *testing.T) {
	const (
		endpoint = `"endpoint": {"type": "string", "pattern": "^https?://", "description": "Where to read.", "x-env": "A_SOURCE_ENDPOINT", "x-group": "Options"},`
		url      = `"url": {"type": "string", "pattern": "^https?://", "description": "Where to read.", "x-env": "A_SOURCE_URL", "x-group": "Options"},`
		required = `"required": ["endpoint", "topic"]`
		both     = `"required": ["endpoint", "topic", "url"]`
		topic    = `"required": ["topic"]`
		either   = `"allOf": [{"oneOf": [{"required": ["url"]}, {"required": ["endpoint"]}]}], "required": ["topic"]`
		apart    = `"allOf": [{"not": {"required": ["endpoint", "url"]}}], "required": ["topic"]`
		example  = `"options": {"endpoint": "http://127.0.0.1:1/"`
		twice    = `"options": {"url": "http://127.0.0.1:1/", "endpoint": "http://127.0.0.1:1/"`
		mode     = `"enum": ["fast", "slow"],`
	)
	merged := func(condition string) []string {
		return []string{
			endpoint, strings.Replace(url, `"x-env"`, `"x-aliases": ["endpoint"], "x-env"`, 1), `"options": {"endpoint"`, `"options": {"url"`,
			required, `"patternProperties": {"^endpoint$": {"$ref": "#/properties/url"}}, ` + condition,
		}
	}
	for _, tt := range []struct {
		name     string
		old, new []string
		want     string // a rule that the comparison names
	}{
		{"both had to be given", []string{endpoint, endpoint + url, required, both, example, twice}, merged(either), "condition-added"},
		{"one had to be given", []string{endpoint, endpoint + url, example, twice}, merged(either), "condition-added"},
		{"the other had to be given", []string{endpoint, endpoint + url, required, `"required": ["topic", "url"]`, example, twice}, merged(either), "condition-added"},
		{"both could be left out", []string{endpoint, endpoint + url, required, topic, example, twice}, merged(apart), "condition-added"},
		{"neither had to be given, and one must be now", []string{endpoint, endpoint + url, required, topic}, merged(either), "option-required"},
		{"one of them had to be given", []string{endpoint, endpoint + url, required, either}, merged(either), "option-renamed-with-alias"},
		{
			"a former name is another option's",
			[]string{required, `"patternProperties": {"^speed$": {"$ref": "#/properties/mode"}}, ` + required, mode, mode + ` "x-aliases": ["speed"],`},
			[]string{endpoint, endpoint + strings.NewReplacer(`"url"`, `"speed"`, "_URL", "_SPEED").Replace(url)},
			"option-alias-removed",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old, text := edited(t, tt.old...), edited(t, tt.new...)
			changes, err := change.Compare([]byte(old), []byte(text))
			if err != nil || !slices.ContainsFunc(changes, func(c change.Change) bool { return c.Rule.ID == tt.want }) {
				t.Fatalf("changes %v, %v", changes, err)
			}
			if failed, count := replayed(t, target(t, text, ""), old, changes); len(failed) > 0 || count < 10 {
				t.Errorf("%d tests, failed: %v", count, failed)
			}
		})
	}
}
