package options

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// Redacted is what stands in for a secret wherever one would be printed.
const Redacted = "[REDACTED]"

// A Secret is an option's value that must never be seen: every way of printing it gives "[REDACTED]". The zero value is
// an unset secret.
type Secret struct{ text string }

// NewSecret returns a secret that holds text, for tests and for values computed by a connector.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the secret itself, for the one place that hands it to the system.
func (s Secret) Reveal() string { return s.text }

// IsSet reports whether the secret is not empty.
func (s Secret) IsSet() bool { return s.text != "" }

// String returns "[REDACTED]", or nothing for an unset secret.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return Redacted
}

// Format makes every verb of package fmt print what String returns.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue makes package slog print what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText gives what String returns, so that no encoder can leak the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText stores the secret. It never fails, so that no error can quote it.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

// A Size is a number of bytes, written as a whole number with an optional unit: 512, 64KiB, 10MB. Units are B, the powers
// of 1024 KiB, MiB, GiB and TiB, and the powers of 1000 KB, MB, GB and TB.
type Size int64

// sizeUnits maps each unit to its number of bytes. Upper and lower case are not interchangeable.
var sizeUnits = map[string]int64{
	"": 1, "B": 1,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

// sizePattern allows six digits before a unit, which keeps every size it admits within an int64, and 15 without one.
const sizePattern = `^([0-9]{1,15}B?|[0-9]{1,6}([KMGT]i?B))$`

// OptionType implements Grammar.
func (Size) OptionType() (name, pattern, example string) { return "size", sizePattern, "64KiB" }

// UnmarshalText parses a size that keeps the grammar.
func (s *Size) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "BKMGTi")
	var n int64
	if _, err := fmt.Sscan(digits, &n); err != nil {
		return fmt.Errorf("not a number: %s", digits)
	}
	*s = Size(n * sizeUnits[string(text[len(digits):])])
	return nil
}

// MarshalText writes the size with the largest binary unit that divides it.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String writes the size with the largest binary unit that divides it.
func (s Size) String() string {
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if n := sizeUnits[unit]; s != 0 && int64(s)%n == 0 {
			return fmt.Sprintf("%d%s", int64(s)/n, unit)
		}
	}
	return fmt.Sprintf("%dB", int64(s))
}

// A URL is an absolute http or https address without user information: credentials have options of their own, so that
// they are never part of what is logged.
type URL struct{ url.URL }

// urlPattern is the part of RFC 3986 that both a validator of the schema and net/url accept. Characters outside ASCII are
// allowed as they stand, as browsers allow them.
const urlPattern = `^https?://([A-Za-z0-9_~-]+(\.[A-Za-z0-9_~-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?` +
	`([/?#]([!$&-;=?-Z_a-z~#]|[^\x00-\x7f]|%[0-9A-Fa-f]{2})*)?$`

// OptionType implements Grammar.
func (URL) OptionType() (name, pattern, example string) {
	return "url", urlPattern, "https://example.com/path"
}

// UnmarshalText parses a URL that keeps the grammar.
func (u *URL) UnmarshalText(text []byte) error { return u.UnmarshalBinary(text) }

// MarshalText writes the URL.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// IsSet reports whether there is an address.
func (u URL) IsSet() bool { return u.Host != "" }

// durationPattern is the part of Go's duration syntax that cannot overflow 292 years: each number is bounded so that the
// most that nine of them can add up to is 285. Fractions go down to the nanosecond.
const durationPattern = `^-?` + durationMagnitude + `$`

const durationMagnitude = `(0|(([0-9]{1,5}(\.[0-9]{0,9})?|\.[0-9]{1,9})h|([0-9]{1,7}(\.[0-9]{0,9})?|\.[0-9]{1,9})m` +
	`|([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})s|([0-9]{1,12}(\.[0-9]{0,6})?|\.[0-9]{1,6})ms` +
	`|([0-9]{1,15}(\.[0-9]{0,3})?|\.[0-9]{1,3})(us|µs)|[0-9]{1,18}ns){1,9})`

// A Grammar is an option type that is written as text. The schema and the parser share its pattern, so that they accept
// the same values; the type's UnmarshalText is only called with text that matches.
type Grammar interface {
	// OptionType returns a word for the kind of value (x-type in the schema), an RE2 pattern that is also valid ECMA 262,
	// and a value to show in messages.
	OptionType() (name, pattern, example string)
}

// compiled caches patterns by their text: the few that a command line needs are compiled once, on first use.
var compiled sync.Map

// matches reports whether text matches a pattern that has been checked to compile.
func matches(pattern, text string) bool {
	re, ok := compiled.Load(pattern)
	if !ok {
		re, _ = compiled.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	return re.(*regexp.Regexp).MatchString(text)
}

// integral reports whether a JSON number is a whole number, and which. JSON Schema counts 1.0 and 1e2 as integers.
func integral(n json.Number) (*big.Int, bool) {
	if len(n) > 64 { // no option is that large, and an exponent could ask for a number that fills the memory
		return nil, false
	}
	if i := strings.IndexAny(string(n), "eE"); i >= 0 && len(n)-i > 5 {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok || !r.IsInt() {
		return nil, false
	}
	return r.Num(), true
}

// JSONForm returns values that a program has made, keyed by option, in the JSON form in which a Setting has them. The error is
// about a value that JSON does not have.
func JSONForm(values map[string]any) (map[string]any, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	form := map[string]any{}
	return form, decoder.Decode(&form)
}
