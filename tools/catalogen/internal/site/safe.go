package site

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// scrub replaces what may stand in a document but must not reach a reader's screen or terminal, by the measure of
// finding.Unprintable (Unicode TR 36).
func scrub(page []byte) []byte {
	out := make([]byte, 0, len(page))
	for len(page) > 0 {
		if b := page[0]; ' ' <= b && b < 0x7f { // nearly all of a page
			out = append(out, b)
			page = page[1:]
			continue
		}
		r, size := utf8.DecodeRune(page)
		if finding.Unprintable(r) {
			r = utf8.RuneError
		}
		out = utf8.AppendRune(out, r)
		page = page[size:]
	}
	return out
}

// secureURL gives the address back if it is https with a host and nothing that hides where it leads; else "".
func secureURL(address string) string {
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == '\\' || unicode.IsControl(r) }) {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// relativePath splits a relative address into its path and fragment. Whatever could leave the folder tree's own host, such
// as //host, /path or a scheme, is refused.
func relativePath(address string) (path, fragment string, ok bool) {
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == '\\' || unicode.IsControl(r) }) {
		return "", "", false
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "/") || u.Opaque != "" {
		return "", "", false
	}
	return u.Path, u.Fragment, u.Path != "" || u.Fragment != ""
}

var (
	safeName     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	safeVersion  = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	safeVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	safeLicense  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+-]*$`)
)
