package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/strictjson"
)

// WaiverFile is the file in a connector's folder that names options which only look like secrets.
const WaiverFile = "waivers.json"

// Waivers are the contents of a waiver file: for each rule that may be waived, the options and why.
type Waivers struct {
	SecretMarked map[string]string `json:"secret-marked"` // option to reason
}

// maxWaivers is how many bytes a waiver file may hold.
const maxWaivers = 64 << 10

// ReadWaivers reads a connector's waiver file. There need not be one.
func ReadWaivers(dir string) (Waivers, error) {
	var w Waivers
	text, err := rooted.Read(dir, WaiverFile, maxWaivers)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	if err := strictjson.Check(text); err != nil {
		return w, fmt.Errorf("%s %w", WaiverFile, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, fmt.Errorf("read %s: %w", WaiverFile, err)
	}
	return w, nil
}

var (
	secretWords = regexp.MustCompile(`(^|[-.])(password|passwd|passphrase|pass|secret|token|credentials?|bearer|apikey|api-key|access-key|private-key|secret-key|account-key|client-key|sas|dsn)($|[-.])`)
	// publicWords end the names of options about a secret that are none: where it lies, how long it lives.
	publicWords = regexp.MustCompile(`[-.](file|path|url|endpoint|type|name|id|header|field|location|ttl|timeout|format|prefix)$`)
)

// LooksSecret tells whether an option's name is one under which people pass secrets.
func LooksSecret(name string) bool {
	return secretWords.MatchString(name) && !publicWords.MatchString(name)
}

func secretMarked(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		if o.Secret || !LooksSecret(name) {
			return "", ""
		}
		if o.Type.First() == "boolean" {
			return "", ""
		}
		if strings.TrimSpace(s.Waivers.SecretMarked[name]) != "" {
			return "", ""
		}
		return "looks like a secret and is not marked as one", "use the Secret type (writeOnly), or say in " + WaiverFile + " why it is none"
	})
}

// waiverUsed refuses a waiver that waives nothing, so that the file tells the truth.
func waiverUsed(s Subject) []finding.Finding {
	var findings []finding.Finding
	for name := range s.Waivers.SecretMarked {
		if o, ok := s.Options.Get(name); !ok || o.Secret || !LooksSecret(name) {
			findings = append(findings, finding.Finding{Where: WaiverFile, Message: fmt.Sprintf("waives %q, which needs no waiver", name), Fix: "remove the line"})
		}
	}
	slices.SortFunc(findings, func(a, b finding.Finding) int { return strings.Compare(a.Message, b.Message) })
	return findings
}

func secretWithoutDefault(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		if o.Secret && len(o.Default) > 0 {
			return "is a secret with a default", "remove the default"
		}
		return "", ""
	})
}
