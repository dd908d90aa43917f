package connect

import (
	"errors"
	"regexp"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/transform"
)

// bloblang matches the beginning of a statement of that language which jq does not have.
var bloblang = regexp.MustCompile(`(?m)^\s*(?:root\b|let\s+\w+\s*=|meta\s|map\s+\w+\s*\{)`)

// newMapping makes the stage of a jq expression.
func (c *chain) newMapping(m *mapping, subject string) (stage, error) {
	if strings.TrimSpace(m.Sourcecode) == "" {
		return nil, errors.New("mapping.sourcecode: missing")
	}
	// The blank and the comment keep it from naming a file, as a leading @ or .wasm at the end would: what comes from a
	// platform is taken literally.
	steps := []transform.Step{{Kind: transform.Map, Expr: " " + m.Sourcecode + "\n#"}}
	jq, err := transform.Compile(steps, transform.Options{Topic: subject})
	if err == nil {
		return c.perRecord(jq.Apply), nil
	}
	reason := "mapping.sourcecode is not a jq expression"
	if bloblang.MatchString(m.Sourcecode) {
		reason = "mapping.sourcecode is Bloblang, which is not run here; write it in jq, such as {id, total: (.price * .count)}"
	}
	var broken *transform.SyntaxError
	if errors.As(err, &broken) {
		reason += ": " + broken.Reason
	}
	return nil, errors.New(reason)
}
