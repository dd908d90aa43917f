package observe

import (
	"maps"
	"strings"
)

// The headers that carry a trace context, in the form that W3C Trace Context gives them. As attributes of a CloudEvent
// they have the same names: those of its extension for distributed tracing.
const (
	Traceparent = "traceparent"
	Tracestate  = "tracestate"
)

// KeepTrace returns the headers of a record that came from outside, with the trace context as records carry it: under
// names in lower case, and only where it is valid. A state without a valid parent is dropped, as W3C asks; every other
// header stays. The map is never changed: a copy is returned where something must be.
func KeepTrace(headers map[string]string) map[string]string {
	if !traced(headers) {
		return headers
	}
	parent, parentKept := field(headers, Traceparent, ValidTraceparent)
	state, stateKept := field(headers, Tracestate, ValidTracestate)
	if parent == "" && state != "" {
		state, stateKept = "", false
	}
	if parentKept && stateKept {
		return headers
	}
	kept := maps.Clone(headers)
	maps.DeleteFunc(kept, func(name, _ string) bool {
		return strings.EqualFold(name, Traceparent) || strings.EqualFold(name, Tracestate)
	})
	if parent != "" {
		kept[Traceparent] = parent
	}
	if state != "" {
		kept[Tracestate] = state
	}
	return kept
}

// traced reports whether some header may belong to a trace context. Few records have one, and every record is asked.
func traced(headers map[string]string) bool {
	for name := range headers {
		if (len(name) == len(Traceparent) || len(name) == len(Tracestate)) && strings.EqualFold(name[:5], Traceparent[:5]) {
			return true
		}
	}
	return false
}

// field returns the value of a header, whatever the case of its name; nothing where it is missing, not valid, or there
// are two that differ. It also reports whether the headers say just that.
func field(headers map[string]string, name string, valid func(string) bool) (value string, same bool) {
	found := 0
	for spelled, v := range headers {
		if !strings.EqualFold(spelled, name) {
			continue
		}
		if found++; found > 1 && v != value || !valid(v) {
			return "", false
		}
		value = v
	}
	if found == 0 {
		return "", true
	}
	_, same = headers[name]
	return value, same && found == 1
}

// ValidTraceparent reports whether s is a traceparent: version, trace, parent and flags in lower-case hexadecimal
// digits. Versions after 00 may have more at the end.
func ValidTraceparent(s string) bool {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version, trace, parent, flags := s[:2], s[3:35], s[36:52], s[53:length]
	if !isHex(version) || !isHex(trace) || !isHex(parent) || !isHex(flags) {
		return false
	}
	switch version {
	case "ff":
		return false
	case "00":
		if len(s) > length {
			return false
		}
	}
	more := len(s) == length || s[length] == '-'
	return more && strings.Trim(trace, "0") != "" && strings.Trim(parent, "0") != ""
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// ValidTracestate reports whether s is a tracestate: at most 32 members key=value, no key twice. It is false for a
// state without members, which says nothing.
func ValidTracestate(s string) bool {
	seen := map[string]bool{}
	for member := range strings.SplitSeq(s, ",") {
		member = strings.Trim(member, " \t")
		if member == "" {
			continue
		}
		key, value, _ := strings.Cut(member, "=")
		if !isStateKey(key) || !isStateValue(value) || seen[key] || len(seen) == 32 {
			return false
		}
		seen[key] = true
	}
	return len(seen) > 0
}

// isStateKey reports whether s is a key: a name, or tenant@system.
func isStateKey(s string) bool {
	tenant, system, both := strings.Cut(s, "@")
	if both {
		return isStateName(tenant, 241) && isStateName(system, 14)
	}
	return isStateName(s, 256)
}

func isStateName(s string, most int) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && (i == 0 || strings.IndexByte("_-*/", c) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= most
}

// isStateValue reports whether s is a value; the blanks around the member are gone.
func isStateValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == ',' || c == '=' {
			return false
		}
	}
	return s != "" && len(s) <= 256
}
