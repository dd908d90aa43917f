package rules

import (
	"regexp"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

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
		if s.Waivers.reason(secretRule, name) != "" {
			return "", ""
		}
		return "looks like a secret and is not marked as one", "use the Secret type (writeOnly), or say in " + WaiverFile + " why it is none"
	})
}

func secretWithoutDefault(s Subject) []finding.Finding {
	return s.each(func(name string, o options.Option) (string, string) {
		if o.Secret && len(o.Default) > 0 {
			return "is a secret with a default", "remove the default"
		}
		return "", ""
	})
}
