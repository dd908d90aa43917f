package main

import "strings"

// nextLink returns the target of the first link in a Link header (RFC 8288) whose relation is next. It takes the header
// apart as the RFC's appendix B.2 does, which forgives what is malformed.
func nextLink(header string) (target string, ok bool) {
	for rest := header; ; {
		open := strings.IndexByte(rest, '<')
		if open < 0 {
			return "", false
		}
		var found bool
		if target, rest, found = strings.Cut(rest[open+1:], ">"); !found {
			return "", false
		}
		var next bool
		if next, rest = linkIsNext(rest); next {
			return strings.TrimSpace(target), true
		}
	}
}

// linkIsNext reads the parameters of one link and returns what follows its comma. A link with an anchor is about another
// page than the one that was read.
func linkIsNext(params string) (next bool, rest string) {
	var related, anchored bool
	for {
		params = strings.TrimLeft(params, " \t;")
		if params == "" || params[0] == ',' {
			return next && !anchored, strings.TrimPrefix(params, ",")
		}
		end := strings.IndexAny(params, "=;,")
		if end < 0 {
			end = len(params)
		}
		name := strings.ToLower(strings.TrimSpace(params[:end]))
		var value string
		if params = params[end:]; strings.HasPrefix(params, "=") {
			value, params = linkValue(strings.TrimLeft(params[1:], " \t"))
		}
		switch {
		case name == "anchor":
			anchored = true
		case name == "rel" && !related: // only the first one counts
			related = true
			for _, relation := range strings.Fields(value) {
				next = next || strings.EqualFold(relation, "next")
			}
		}
	}
}

// linkValue reads a token or a quoted string and returns what follows it.
func linkValue(text string) (value, rest string) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ";,")
		if end < 0 {
			end = len(text)
		}
		return strings.TrimSpace(text[:end]), text[end:]
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return b.String(), text[i+1:]
		case '\\':
			if i++; i == len(text) {
				return b.String(), ""
			}
		}
		b.WriteByte(text[i])
	}
	return b.String(), ""
}
