package config

import (
	"fmt"
	"strings"
)

// fluvio reads the top-level keys that config files of Fluvio's connectors have beside ours. What they say is what is done
// anyway, or has no meaning here, of which a note tells; what would change the meaning is refused. It reports whether the key
// is one of them.
func (b *binder) fluvio(e entry) bool {
	switch e.key {
	case "create_topic", "create-topic":
		if !b.is(e.value, boolean, e.key) {
			return true
		}
		if strings.EqualFold(e.value.text, "false") {
			b.problem(e.value.line, e.value.column, e.key, "a topic that is not there is always made",
				"remove the key, and see to it that the topic is there before the connector starts")
		}
	case "producer":
		b.section(e, map[string]string{
			"linger":      "records are sent at once",
			"batch-size":  "records are sent at once",
			"compression": "records are not compressed on their way to the topic",
		})
	case "consumer":
		b.section(e, map[string]string{"partition": "a topic has one partition here"})
	default:
		return false
	}
	return true
}

// section reads a mapping whose keys have no effect, for the given reasons.
func (b *binder) section(e entry, reasons map[string]string) {
	if e.value.kind == null || !b.is(e.value, mapping, e.key) {
		return
	}
	for _, f := range b.unique(e.value, e.key, false) {
		path := join(e.key, f.key)
		reason, known := reasons[strings.ReplaceAll(f.key, "_", "-")]
		v, ok := b.value(f, path, false)
		switch {
		case !ok:
		case !known:
			b.problem(f.line, f.column, path, "unknown key", "remove it")
		case f.key == "compression" && v.Any == "none":
		case f.key == "partition" && fmt.Sprint(v.Any) != "0":
			b.problem(f.line, f.column, path, "a topic has one partition here, and its sinks read all of it",
				"remove the key; sinks with the same --group share the records of a topic")
		default:
			b.file.Notes = append(b.file.Notes, fmt.Sprintf("%s:%d: %s has no effect: %s", oneLine(b.file.Path), f.line, path, reason))
		}
	}
}
