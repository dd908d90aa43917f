package hosts

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// The lifecycle classes of options.
const (
	kpsStatic = "static"
	kpsConfig = "config"
	kpsStream = "stream"
)

// kpsShared are the shared flags that make sense when the connector is installed. The others name the topic, which is the
// stream's channel, or are the adapter's own affair.
var kpsShared = []string{
	"log-level", "log-format", "max-in-flight", "max-in-flight-bytes", "retry-max-wait", "batch-size", "batch-wait", "start-timeout",
}

// kpsTransforms are shared flags that belong to the records of a stream.
var kpsTransforms = []string{"map", "filter", "arraymap", "param", "initial"}

// kpsOptions are the options of a connector as its schema gives them, by class and name; or those of two.
type kpsOptions struct {
	programs []string
	byClass  map[string]map[string]kpsOption
}

// A kpsOption is one of them.
type kpsOption struct {
	schema   map[string]any
	required bool
	env      []string // variables that set it, one for each connector that has it
}

// kpsRead sorts the options of a connector by their class.
func kpsRead(doc *metadata.Document) (*kpsOptions, error) {
	var schema struct {
		Properties map[string]map[string]any `json:"properties"`
	}
	read, err := options.Read(doc.Schema)
	if err == nil {
		err = json.Unmarshal(doc.Schema, &schema)
	}
	if err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	o := newKPSOptions(doc.Name)
	for name, option := range schema.Properties {
		class, _ := option["x-change"].(string)
		shared, _ := option["x-shared"].(bool)
		switch {
		case class != "":
		case !shared || slices.Contains(kpsTransforms, name):
			class = kpsStream
		case slices.Contains(kpsShared, name):
			class = kpsStatic
		default:
			continue
		}
		env, _ := option["x-env"].(string)
		maps.DeleteFunc(option, func(key string, _ any) bool { return strings.HasPrefix(key, "x-") })
		if of := o.byClass[class]; of != nil {
			of[name] = kpsOption{option, slices.Contains(read.Required, name), []string{env}}
		}
	}
	return o, nil
}

func newKPSOptions(programs ...string) *kpsOptions {
	return &kpsOptions{programs, map[string]map[string]kpsOption{kpsStatic: {}, kpsConfig: {}, kpsStream: {}}}
}

// kpsJoin makes one set of options of several connectors', which one instance serves. Where two have an option of one name it
// is set for both, when the connector is installed or by the config; but a stream is of one of them only, so it must have
// what all of them require.
func kpsJoin(all []*kpsOptions) *kpsOptions {
	joint := newKPSOptions()
	for _, o := range all {
		for class, options := range o.byClass {
			for name, option := range options {
				other, both := joint.byClass[class][name]
				if both {
					option = other.or(option, joint.programs[0], o.programs[0])
				}
				joint.byClass[class][name] = option
			}
		}
		joint.programs = append(joint.programs, o.programs...)
	}
	for name, option := range joint.byClass[kpsStream] {
		for _, o := range all {
			option.required = option.required && o.byClass[kpsStream][name].required
		}
		joint.byClass[kpsStream][name] = option
	}
	return joint
}

// or joins the options of one name of two connectors, which need not mean the same by it.
func (o kpsOption) or(other kpsOption, program, otherProgram string) kpsOption {
	joint := kpsOption{o.schema, o.required || other.required, append(slices.Clone(o.env), other.env...)}
	if reflect.DeepEqual(o.schema, other.schema) {
		return joint
	}
	titled := func(schema map[string]any, title string) map[string]any {
		schema = maps.Clone(schema)
		schema["title"] = title
		return schema
	}
	joint.schema = map[string]any{"anyOf": []any{titled(o.schema, program), titled(other.schema, otherProgram)}}
	if o.schema["writeOnly"] == true || other.schema["writeOnly"] == true {
		joint.schema["writeOnly"] = true
	}
	return joint
}

// schema describes the options of a class for the platform, in the keywords that every dialect has.
func (o *kpsOptions) schema(class string) map[string]any {
	properties := map[string]any{}
	required := []string{}
	if class == kpsStatic {
		properties["image"] = map[string]any{
			"type": "string", "minLength": 1,
			"description": "Container image that holds patchbay and " + strings.Join(o.programs, " and ") + ".",
		}
		properties["state_claim"] = map[string]any{"type": "string", "description": "PersistentVolumeClaim that keeps positions. " +
			"Default: none; they are gone with the pod."}
		required = append(required, "image")
	}
	for name, option := range o.byClass[class] {
		key := kpsKey(class, name)
		properties[key] = option.schema
		if option.required {
			required = append(required, key)
		}
	}
	slices.Sort(required)
	return map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": properties, "required": required,
		"additionalProperties": false,
	}
}

// kpsKey is what an option is called. The platform's templates cannot name what has a hyphen.
func kpsKey(class, name string) string {
	if class == kpsStatic {
		return strings.ReplaceAll(name, "-", "_")
	}
	return name
}

// defaults are the options of a class that have one, with it.
func (o *kpsOptions) defaults(class string) map[string]any {
	values := map[string]any{}
	for name, option := range o.byClass[class] {
		if value, ok := option.schema["default"]; ok {
			values[name] = value
		}
	}
	return values
}

// example is what a stream may be set to: the first example of the connector, as far as it is of this class.
func (o *kpsOptions) example(doc *metadata.Document) map[string]any {
	values := map[string]any{}
	options := o.byClass[kpsStream]
	if len(doc.Examples) > 0 && json.Unmarshal(doc.Examples[0].Options, &values) == nil {
		maps.DeleteFunc(values, func(name string, _ any) bool { return options[name].schema == nil })
	}
	for name, option := range options {
		if _, given := values[name]; !given && option.required {
			values[name] = "<" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + ">"
		}
	}
	return values
}
