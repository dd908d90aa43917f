package cloudevents

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

const (
	listenScheme = "http+listen"
	topicMark    = "{topic}" // in a path; stands for the topic's name
)

// Serves reports whether a broker address is one of this package by its scheme, right or wrong in all else.
func Serves(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	scheme = strings.ToLower(scheme)
	return ok && (scheme == "http" || scheme == "https" || scheme == listenScheme)
}

// Listens reports whether a broker address is one that a Reader listens on.
func Listens(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	return ok && strings.EqualFold(scheme, listenScheme)
}

// NamesTopic reports whether the path of a broker address holds {topic}, so that every topic has a URL of its own.
func NamesTopic(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.Contains(u.Path, topicMark)
}

// CheckWriterURL returns a ConfigError if NewWriter would refuse the address. It connects to nothing.
func CheckWriterURL(address string) error {
	_, err := parseTarget(address, "topic", false)
	return err
}

// CheckReaderURL returns a ConfigError if Listen would refuse the address as it is written. It opens nothing.
func CheckReaderURL(address string) error {
	_, err := parseTarget(address, "topic", true)
	return err
}

// Redact returns a broker address without what may be secret: user information, query and fragment.
func Redact(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		if strings.ContainsAny(address, "@?#") {
			return "(address hidden)"
		}
		return address
	}
	// The last @ wherever it stands, because an unescaped one, or a ? or #, may be part of a password.
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = "xxxxx@" + rest[at+1:]
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + "xxxxx"
	}
	return scheme + "://" + rest
}

// A target is a checked address.
type target struct {
	url     url.URL // without user information, its path complete
	user    *url.Userinfo
	shown   string   // as people may see it
	secrets []string // that no text may hold
}

// parseTarget checks an address and puts in the topic. Its errors are ConfigErrors and show no secrets.
func parseTarget(address, topic string, listen bool) (*target, error) {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		form := "http://HOST:PORT/PATH or https://…"
		if listen {
			form = "http+listen://HOST:PORT/PATH, where HOST 0.0.0.0 means every interface"
		}
		return nil, transport.Misconfigured("broker %s: write it as %s", Redact(address), form)
	}
	port, portErr := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case listen && u.Scheme != listenScheme:
		return nil, transport.Misconfigured("broker %s: a sink receives CloudEvents at %s://HOST:PORT/PATH", Redact(address), listenScheme)
	case !listen && u.Scheme != "http" && u.Scheme != "https":
		return nil, transport.Misconfigured("broker %s: a source posts CloudEvents to http://… or https://…", Redact(address))
	case u.Port() != "" && portErr != nil, !listen && u.Port() != "" && port == 0:
		return nil, transport.Misconfigured("broker %s: the port must be a number up to 65535", Redact(address))
	case listen && u.Port() == "":
		return nil, transport.Misconfigured("broker %s: name the port, as in http+listen://127.0.0.1:8080/", Redact(address))
	case u.Fragment != "":
		return nil, transport.Misconfigured("broker %s: nothing may follow a #; write %%23 in a password", Redact(address))
	case listen && u.RawQuery != "":
		return nil, transport.Misconfigured("broker %s: nothing may follow the path", Redact(address))
	case strings.Contains(u.Host+u.RawQuery, topicMark):
		return nil, transport.Misconfigured("broker %s: %s may stand in the path only", Redact(address), topicMark)
	case topic == "" && strings.Contains(u.Path, topicMark):
		return nil, transport.Misconfigured("broker %s: there is no topic to put in for %s", Redact(address), topicMark)
	}
	t := &target{url: *u, user: u.User, secrets: secretsOf(u)}
	t.url.User = nil
	name, path := url.PathEscape(topic), u.RawPath // as it was written, where that matters
	if path == "" {
		path = u.EscapedPath()
	}
	t.url.RawPath = strings.NewReplacer(topicMark, name, url.PathEscape(topicMark), name).Replace(path)
	if t.url.RawPath == "" {
		t.url.RawPath = "/"
	}
	if t.url.Path, err = url.PathUnescape(t.url.RawPath); err != nil {
		return nil, transport.Misconfigured("broker %s: the path is not well escaped", Redact(address))
	}
	t.shown = Redact(t.url.String())
	return t, nil
}

// secretsOf lists the forms in which the other side may repeat the secrets of an address.
func secretsOf(u *url.URL) []string {
	var all []string
	if u.User != nil {
		password, _ := u.User.Password()
		all = append(all, basicCredentials(u.User.Username(), password), u.User.String(), password, url.QueryEscape(password))
	}
	all = append(all, u.RawQuery)
	for _, values := range u.Query() {
		all = append(all, values...)
	}
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < 3 }) // to hide these would only tear words apart
}

// hide takes the secrets of the address out of a text that came from elsewhere.
func (t *target) hide(text string) string {
	for _, s := range t.secrets {
		text = strings.ReplaceAll(text, s, "xxxxx")
	}
	return text
}
