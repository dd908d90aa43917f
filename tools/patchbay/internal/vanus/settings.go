package vanus

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/transport/cloudevents"
)

// Environment variables of the development kit.
const (
	envConfig     = "CONNECTOR_CONFIG"
	envConfigType = "CONNECTOR_CONFIG_TYPE"
	envTarget     = "CONNECTOR_TARGET"
	envPort       = "CONNECTOR_PORT"
	envLogLevel   = "LOG_LEVEL"
	envLogFormat  = "LOG_FORMAT"
)

// Defaults of the development kit.
const (
	defaultConfig   = "config.yml"
	defaultPort     = 8080
	defaultAttempts = 3
)

// settings is what a configuration says: to the adapter, and to the connector.
type settings struct {
	name      string
	target    string // of a source
	attempts  int    // to post an event; 0 means no end of them
	port      int    // of a sink
	logLevel  string // empty if nothing is said
	logFormat string
	store     storeSettings
	options   map[string]any // the connector's own, by flag name
	notes     []string       // what has no effect
}

// Invalid lists what is wrong with a configuration, one line each.
type Invalid struct{ Problems []string }

// Error gives the problems, one a line.
func (i *Invalid) Error() string { return strings.Join(i.Problems, "\n") }

// reserved are options of connectors that the adapter decides about.
var reserved = map[string]string{
	"topic":  "events go to the target, or come to the port",
	"broker": "events go to the target, or come to the port",
	"acks":   "the adapter sets it",
	"config": "all options stand in this file",
}

// readSettings reads the file that the environment names.
func readSettings(getenv func(string) string, direction metadata.Direction, program string) (*settings, error) {
	path := getenv(envConfig)
	if path == "" {
		path = defaultConfig
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &Invalid{[]string{fmt.Sprintf("%v; %s names another file", err, envConfig)}}
	}
	switch kind := getenv(envConfigType); kind {
	case "", "yaml", "yml":
	case "json":
		if !json.Valid(data) {
			return nil, &Invalid{[]string{fmt.Sprintf("%s: it is no JSON, which %s asks for", path, envConfigType)}}
		}
	default:
		return nil, &Invalid{[]string{fmt.Sprintf("%s: %q is neither yaml nor json", envConfigType, kind)}}
	}
	values := map[string]config.Value{}
	if len(bytes.TrimSpace(data)) > 0 { // all that there is to say may stand in the environment
		if values, err = config.ParseLiteral(path, data); err != nil {
			return nil, &Invalid{strings.Split(err.Error(), "\n")}
		}
	}
	r := reader{path: path, getenv: getenv, settings: &settings{name: program, options: map[string]any{}}}
	r.read(values, direction)
	if len(r.problems) > 0 {
		return nil, &Invalid{r.problems}
	}
	return r.settings, nil
}

// A reader sorts the keys of a file and collects what is wrong with them.
type reader struct {
	*settings
	path     string
	getenv   func(string) string
	problems []string
	given    map[string]string // option to the key that gave it
}

func (r *reader) problem(line int, key, format string, args ...any) {
	at := r.path
	if line > 0 {
		at += ":" + strconv.Itoa(line)
	}
	r.problems = append(r.problems, fmt.Sprintf("%s: %s: %s", at, key, fmt.Sprintf(format, args...)))
}

// read takes the keys that both directions have, then those of one, and leaves the rest to the connector. As in the kit, a
// key of the file wins over its variable.
func (r *reader) read(values map[string]config.Value, direction metadata.Direction) {
	r.given = map[string]string{}
	take := func(key string) (config.Value, bool) {
		v, ok := values[key]
		delete(values, key)
		return v, ok
	}
	if v, ok := take("name"); ok {
		r.name = r.text(v, "name")
	}
	v, _ := take("log_config")
	r.log(v)
	v, _ = take("store_config")
	r.storage(v)
	secret, hasSecret := take("secret")
	if direction == metadata.Source {
		r.source(take)
	} else {
		r.sink(take)
	}
	byLine := func(a, b string) int { return cmp.Or(values[a].Line-values[b].Line, strings.Compare(a, b)) }
	for _, key := range slices.SortedFunc(maps.Keys(values), byLine) {
		r.option(values[key].Line, key, key, values[key].Any)
	}
	if hasSecret {
		r.secrets(secret)
	}
}

// option keeps an option of the connector, which judges it.
func (r *reader) option(line int, path, key string, value any) {
	name := strings.ReplaceAll(key, "_", "-")
	if why, ok := reserved[name]; ok {
		r.problem(line, path, "it is not for this file to say: %s; remove it", why)
		return
	}
	if first, twice := r.given[name]; twice {
		r.problem(line, path, "%s says the same option; keep one of them", first)
		return
	}
	r.given[name] = path
	r.options[name] = value
}

func (r *reader) secrets(v config.Value) {
	all, ok := v.Any.(map[string]any)
	if !ok {
		r.problem(v.Line, "secret", "it is not a mapping; write the credentials below it, by their names")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		r.option(v.Line, "secret."+key, key, all[key])
	}
}

func (r *reader) source(take func(string) (config.Value, bool)) {
	if v, ok := take("vanus"); ok {
		r.problem(v.Line, "vanus", "an eventbus is not reached by gRPC here; remove it, and write the HTTP address of its gateway as target")
	}
	r.attempts = defaultAttempts
	if v, ok := take("send_event_attempts"); ok {
		r.attempts = r.number(v, "send_event_attempts", 0, 1<<30)
	}
	if v, ok := take("batch_size"); ok && r.number(v, "batch_size", 0, 1<<30) > 0 {
		r.notes = append(r.notes, "batch_size has no effect: a request over HTTP holds one event")
	}
	line := 0
	r.target = r.getenv(envTarget)
	if v, ok := take("target"); ok {
		line = v.Line
		if text := r.text(v, "target"); text != "" {
			r.target = text
		}
	}
	if r.target == "" {
		r.problem(line, "target", "there is none; write the http(s) address that takes the events, or set %s", envTarget)
	} else if err := cloudevents.CheckWriterURL(r.target); err != nil {
		r.problem(line, "target", "%s", strings.TrimPrefix(err.Error(), "broker "))
	}
}

func (r *reader) sink(take func(string) (config.Value, bool)) {
	if v, ok := take("grpc_port"); ok && r.number(v, "grpc_port", 0, 65535) > 0 {
		r.problem(v.Line, "grpc_port", "events are received over HTTP only; remove it, and send them to port")
	}
	if v, ok := take("port"); ok {
		r.port = r.number(v, "port", 0, 65535)
	}
	if text := r.getenv(envPort); r.port == 0 && text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			r.problems = append(r.problems, fmt.Sprintf("%s: %q is no port: write a number up to 65535", envPort, text))
		}
		r.port = int(n)
	}
	if r.port == 0 {
		r.port = defaultPort
	}
}

func (r *reader) log(v config.Value) {
	level, from := r.getenv(envLogLevel), envLogLevel
	fields := r.mapping(v, "log_config", "log_level", "level")
	for _, key := range []string{"level", "log_level"} {
		if text, ok := fields[key].(string); ok && text != "" {
			level, from = text, r.path+": log_config."+key
		}
	}
	if r.logLevel = strings.ToLower(level); r.logLevel == "warning" {
		r.logLevel = "warn"
	} else if r.logLevel == "fatal" { // there is nothing between
		r.logLevel = "error"
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, r.logLevel) {
		r.problems = append(r.problems, fmt.Sprintf("%s: %q is no level: write debug, info, warn, error or fatal", from, level))
	}
	if r.logFormat = strings.ToLower(r.getenv(envLogFormat)); !slices.Contains([]string{"", "text", "json"}, r.logFormat) {
		r.problems = append(r.problems, fmt.Sprintf("%s: %q is neither text nor json", envLogFormat, r.logFormat))
	}
}

// mapping reads a mapping whose keys are known.
func (r *reader) mapping(v config.Value, key string, known ...string) map[string]any {
	if v.Any == nil {
		return nil
	}
	fields, ok := v.Any.(map[string]any)
	if !ok {
		r.problem(v.Line, key, "it is not a mapping; its keys are %s", strings.Join(known, ", "))
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(known, field) {
			if _, text := fields[field].(string); !text && field != "endpoints" {
				r.problem(v.Line, key+"."+field, "it is no text; put it in quotes")
			}
			continue
		}
		fix := "the keys are " + strings.Join(known, ", ")
		if nearest := config.Nearest(field, known); nearest != "" {
			fix = "did you mean " + nearest + "?"
		}
		r.problem(v.Line, key+"."+field, "unknown key; %s", fix)
	}
	return fields
}

func (r *reader) text(v config.Value, key string) string {
	text, ok := v.Any.(string)
	if !ok {
		r.problem(v.Line, key, "it is no text; put it in quotes")
	}
	return text
}

// number reads a whole number, which may be written as text, as in an environment that was pasted into the file.
func (r *reader) number(v config.Value, key string, least, most int64) int {
	n, err := strconv.ParseInt(fmt.Sprint(v.Any), 10, 64)
	if err != nil || n < least || n > most {
		r.problem(v.Line, key, "it is no whole number from %d to %d", least, most)
		return int(least)
	}
	return int(n)
}
