package nats

import (
	"net/url"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A target is a checked server address.
type target struct {
	url   string // as the client library takes it
	shown string // as people may see it
	local bool
	core  bool
}

const (
	coreScheme = "nats+core"
	hidden     = "(address hidden: a comma in a password must be written %2C)" // in place of what may hold a secret
)

// parseTarget checks a comma-separated list of server addresses. Its errors are ConfigErrors and do not show credentials.
func parseTarget(list string) (target, error) {
	if list == "" {
		return target{shown: "the local broker", local: true}, nil
	}
	t := target{shown: Redact(list)}
	if t.shown == hidden {
		return target{}, transport.Misconfigured("broker %s", hidden) // to show one of its parts might show half a password
	}
	var urls []string
	for i, one := range strings.Split(list, ",") {
		one = strings.TrimSpace(one)
		u, err := url.Parse(one)
		if err != nil || u.Host == "" {
			return target{}, transport.Misconfigured("broker %s: write it as nats://host:4222", Redact(one))
		}
		core := u.Scheme == coreScheme
		switch {
		case u.Scheme != "nats" && u.Scheme != "tls" && !core:
			return target{}, transport.Misconfigured("broker %s: the scheme must be nats, tls or nats+core", Redact(one))
		case i > 0 && core != t.core:
			return target{}, transport.Misconfigured("broker: all addresses must begin with nats+core:// or none")
		case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
			return target{}, transport.Misconfigured("broker %s: nothing may follow the host and port", Redact(one))
		}
		t.core = core
		if core {
			u.Scheme = "nats"
		}
		urls = append(urls, u.String())
	}
	t.url = strings.Join(urls, ",")
	return t, nil
}

// Redact returns a comma-separated list of server addresses without user names, passwords and tokens.
func Redact(list string) string {
	parts := strings.Split(list, ",")
	for i, p := range parts {
		scheme, rest, ok := strings.Cut(p, "://")
		if !ok {
			scheme, rest = "", p
		}
		// The last @, because an unescaped one may be part of a password. A comma in a password cuts it in two; then the
		// first half has no @ and is not known to be a secret, so the whole list is hidden.
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			if !ok {
				return hidden
			}
			rest = "xxxxx@" + rest[at+1:]
		}
		if ok {
			rest = scheme + "://" + rest
		}
		parts[i] = rest
	}
	return strings.Join(parts, ",")
}
