package connect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/token"
)

// steps is what one connector does: a source and a producer, or a consumer and a sink. The names of the keys, here and
// below, are those of the Synadia Connect model.
type steps struct {
	Source      *component   `json:"source"`
	Producer    *producer    `json:"producer"`
	Consumer    *consumer    `json:"consumer"`
	Sink        *component   `json:"sink"`
	Transformer *transformer `json:"transformer"`
}

// A component is a source or a sink.
type component struct {
	Type   string         `json:"type"`   // the connector's name
	Config map[string]any `json:"config"` // its options; values are literal, numbers json.Number
}

type producer struct {
	NATS    *natsConfig `json:"nats"`
	Threads json.Number `json:"threads"` // no use is made of it: records are written without waiting for each other anyway
	Core    *place      `json:"core"`
	Stream  *place      `json:"stream"`
	KV      *place      `json:"kv"`
}

type consumer struct {
	NATS   *natsConfig `json:"nats"`
	Core   *place      `json:"core"`
	Stream *place      `json:"stream"`
	KV     *place      `json:"kv"`
}

// A place is where records are on NATS.
type place struct {
	Subject string `json:"subject"` // core and stream
	Queue   string `json:"queue"`   // core, for a consumer
	Bucket  string `json:"bucket"`  // kv
	Key     string `json:"key"`     // kv; none means the record's own, and for a consumer every key
}

type natsConfig struct {
	URL         string `json:"url"`
	AuthEnabled bool   `json:"auth_enabled"`
	JWT         string `json:"jwt"`
	Seed        string `json:"seed"`
}

// A transformer is one step between the connector and NATS; exactly one of its fields is set.
type transformer struct {
	Mapping   *mapping   `json:"mapping"`
	Explode   *explode   `json:"explode"`
	Combine   *combine   `json:"combine"`
	Service   *service   `json:"service"`
	Composite *composite `json:"composite"`
}

type mapping struct {
	Sourcecode string `json:"sourcecode"`
}

type explode struct {
	Format    string `json:"format"`
	Delimiter string `json:"delimiter"`
}

type combine struct {
	Format string `json:"format"`
	Path   string `json:"path"`
}

type service struct {
	Endpoint string      `json:"endpoint"`
	NATS     *natsConfig `json:"nats"`
	Timeout  string      `json:"timeout"` // a Go duration
}

type composite struct {
	Sequential []transformer `json:"sequential"`
}

// parse reads the argument of the runtime. No error shows a part of it but names of keys.
func parse(argument string) (*steps, error) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(argument))
	if err != nil {
		return nil, errors.New("the configuration is not base64 (standard alphabet, with padding)")
	}
	top, err := decodeYAML(text)
	if err != nil {
		return nil, err
	}
	// The older shape wraps the steps. What else is in the wrapper is for the platform.
	if inner, wrapped := top["steps"]; wrapped {
		var ok bool
		if top, ok = inner.(map[string]any); !ok {
			return nil, errors.New("steps: not a mapping")
		}
	}
	s := new(steps)
	if err := bind(top, s); err != nil {
		return nil, err
	}
	return s, s.check()
}

func decodeYAML(text []byte) (top map[string]any, err error) {
	defer func() {
		if recover() != nil { // the parser is large and the text is anybody's
			top, err = nil, errors.New("the configuration is not valid YAML")
		}
	}()
	if err := yaml.Unmarshal(text, &top); err != nil {
		message := "the configuration is not a YAML mapping"
		// What the parser says besides quotes the text, which may hold secrets.
		var at interface{ GetToken() *token.Token }
		if errors.As(err, &at) && at.GetToken() != nil {
			message += fmt.Sprintf(": see its line %d", at.GetToken().Position.Line)
		}
		return nil, errors.New(message)
	}
	if len(top) == 0 {
		return nil, errors.New("the configuration is empty")
	}
	return top, nil
}

// bind fills in a struct and refuses keys that it does not have.
func bind(top map[string]any, into any) error {
	text, err := json.Marshal(top)
	if err != nil {
		return errors.New("the configuration holds a value that JSON does not have, such as .inf")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber()
	err = d.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: a %s cannot stand here", wrong.Field, strings.Fields(wrong.Value)[0])
	}
	if key, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("%s: unknown key", strings.Trim(key, `"`))
	}
	return errors.New("the configuration cannot be read: a value is of another kind than its key wants")
}

// check refuses steps that do not make an inlet or an outlet.
func (s *steps) check() error {
	inlet := s.Source != nil || s.Producer != nil
	outlet := s.Consumer != nil || s.Sink != nil
	switch {
	case inlet && outlet:
		return errors.New("the steps mix an inlet (source, producer) and an outlet (consumer, sink): keep one of them")
	case inlet && s.Source == nil:
		return errors.New("source: missing; a producer needs one")
	case inlet && s.Producer == nil:
		return errors.New("producer: missing; a source needs one")
	case outlet && s.Consumer == nil:
		return errors.New("consumer: missing; a sink needs one")
	case outlet && s.Sink == nil:
		return errors.New("sink: missing; a consumer needs one")
	case !inlet && !outlet:
		return errors.New("there are no steps: say source and producer, or consumer and sink")
	}
	if inlet {
		return s.Producer.check()
	}
	return s.Consumer.check()
}

// A plane is a kind of place.
type plane string

const (
	core   plane = "core"   // a plain subject
	stream plane = "stream" // a JetStream stream
	kv     plane = "kv"     // a key-value bucket
)

func (p *producer) check() error {
	where, at, err := one(p.Core, p.Stream, p.KV)
	switch {
	case err != nil:
		return fmt.Errorf("producer: %w", err)
	case at.Queue != "":
		return fmt.Errorf("producer.%s.queue: only a consumer has one", where)
	case where != kv && !validSubject(at.Subject, false):
		return fmt.Errorf("producer.%s.subject: %s", where, subjectAdvice("without wildcards"))
	case where == kv && at.Key != "" && !validKey(at.Key, false):
		return errors.New("producer.kv.key: give letters, digits and -/_=. in parts joined by dots, or none for the record's own key")
	}
	return nil
}

func (c *consumer) check() error {
	where, at, err := one(c.Core, c.Stream, c.KV)
	switch {
	case err != nil:
		return fmt.Errorf("consumer: %w", err)
	case at.Queue != "" && where != core:
		return fmt.Errorf("consumer.%s.queue: only core has one; the copies of a connector share a %s anyway", where, where)
	case at.Queue != "" && strings.ContainsAny(at.Queue, " \t\r\n"):
		return errors.New("consumer.core.queue: a name has no blanks")
	case where != kv && !validSubject(at.Subject, true):
		return fmt.Errorf("consumer.%s.subject: %s", where, subjectAdvice("* and > allowed"))
	case where == kv && at.Key != "" && !validKey(at.Key, true):
		return errors.New("consumer.kv.key: give letters, digits and -/_=. in parts joined by dots (* and > allowed), or none for all keys")
	}
	return nil
}

// one returns the only place that is given.
func one(c, s, k *place) (plane, *place, error) {
	var where plane
	var at *place
	for _, given := range []struct {
		plane plane
		place *place
	}{{core, c}, {stream, s}, {kv, k}} {
		if given.place == nil {
			continue
		}
		if at != nil {
			return "", nil, fmt.Errorf("both %s and %s are given: keep one of them", where, given.plane)
		}
		where, at = given.plane, given.place
	}
	switch {
	case at == nil:
		return "", nil, errors.New("says no place: give core, stream or kv")
	case where == kv && at.Subject != "":
		return "", nil, errors.New("kv.subject: a bucket has a key, no subject")
	case where == kv && !validBucket(at.Bucket):
		return "", nil, errors.New("kv.bucket: give a name of letters, digits, hyphens and underscores")
	case where != kv && (at.Bucket != "" || at.Key != ""):
		return "", nil, fmt.Errorf("%s: bucket and key are for kv", where)
	}
	return where, at, nil
}

func subjectAdvice(which string) string {
	return "give a subject of parts joined by dots, " + which + "; expressions such as ${!…} are not run"
}
