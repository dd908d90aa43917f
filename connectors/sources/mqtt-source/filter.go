package main

import "strings"

// checkFilter says what is wrong with a topic filter, by the rules of MQTT 5.0, sections 4.7 and 4.8; nothing if it is
// valid.
func checkFilter(filter string) string {
	if shared, ok := strings.CutPrefix(filter, "$share/"); ok {
		group, rest, _ := strings.Cut(shared, "/")
		if group == "" || strings.ContainsAny(group, "+#") || rest == "" {
			return "write a shared subscription as $share/GROUP/FILTER"
		}
		filter = rest
	}
	switch {
	case filter == "":
		return "a topic filter is not empty"
	case len(filter) > 65535:
		return "a topic filter has 65535 bytes at most"
	case strings.ContainsRune(filter, 0):
		return "a topic filter holds no zero byte"
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch {
		case strings.Contains(level, "#") && (level != "#" || i < len(levels)-1):
			return "# stands alone, as the last level"
		case strings.Contains(level, "+") && level != "+":
			return "+ stands alone in its level"
		}
	}
	return ""
}
