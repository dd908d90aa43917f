package nats

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// A target is a checked server address.
type target struct {
	url   string // as the client library takes it
	shown string // as people may see it
	local bool
	core  bool
}

const coreScheme = "nats+core"

// parseTarget checks a comma-separated list of server addresses. Errors do not show credentials.
func parseTarget(list string) (target, error) {
	if list == "" {
		return target{shown: "the local broker", local: true}, nil
	}
	t := target{shown: Redact(list)}
	var urls []string
	for i, one := range strings.Split(list, ",") {
		one = strings.TrimSpace(one)
		u, err := url.Parse(one)
		if err != nil || u.Host == "" {
			return target{}, fmt.Errorf("broker %s: write it as nats://host:4222", Redact(one))
		}
		core := u.Scheme == coreScheme
		switch {
		case u.Scheme != "nats" && u.Scheme != "tls" && !core:
			return target{}, fmt.Errorf("broker %s: the scheme must be nats, tls or nats+core", Redact(one))
		case i > 0 && core != t.core:
			return target{}, errors.New("broker: all addresses must begin with nats+core:// or none")
		case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
			return target{}, fmt.Errorf("broker %s: nothing may follow the host and port", Redact(one))
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
				return "(address hidden: a comma in a password must be written %2C)"
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

// checkTopic refuses what would not be one literal NATS subject.
func checkTopic(topic string) error {
	if topic == "" {
		return errors.New("topic is empty")
	}
	for token := range strings.SplitSeq(topic, ".") {
		if token == "" {
			return fmt.Errorf("topic %q: a dot must stand between two names", topic)
		}
		if strings.ContainsFunc(token, notInTopic) {
			return fmt.Errorf("topic %q: only letters, digits, dots, hyphens and underscores are allowed", topic)
		}
	}
	return nil
}

func notInTopic(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
}
