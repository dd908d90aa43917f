package hosts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
)

// The .connect folder of Synadia Connect describes a runtime and its components: runtime.yml, and a file for each source
// and sink. Its model is of version 1.
const (
	connectFolder = "connect/.connect/"
	connectModel  = "1"
	// runtimeImage is what an image of all connectors is to be called: catalogen image --with all patchbay-connect.
	runtimeImage = "patchbay-connect"
	// runtimeVersion is that of the patchbay tool, whose connect command is the runtime.
	runtimeVersion = "0.1.0"
)

// connectRuntime makes the file that describes a runtime, which is an image.
func connectRuntime(image, version string) (map[string][]byte, error) {
	text, err := yaml.Marshal(struct {
		ModelVersion string            `yaml:"model_version"`
		Name         string            `yaml:"name"`
		Label        string            `yaml:"label"`
		Version      string            `yaml:"version"`
		Image        string            `yaml:"image"`
		Author       map[string]string `yaml:"author"`
		Description  string            `yaml:"description"`
	}{
		connectModel, connectName(image), connectLabel(image), version, "docker:" + image + ":" + version,
		map[string]string{"name": "Patchbay"},
		"Runs connectors of the Patchbay catalog.",
	})
	return map[string][]byte{connectFolder + "runtime.yml": text}, err
}

// connectStatus are the platform's words for a connector's stability.
var connectStatus = map[metadata.Stability]string{
	metadata.Experimental: "experimental", metadata.Beta: "preview", metadata.Stable: "stable", metadata.Deprecated: "deprecated",
}

type connectComponent struct {
	ModelVersion string         `yaml:"model_version"`
	Name         string         `yaml:"name"` // letters, digits and underscores
	Label        string         `yaml:"label"`
	Kind         string         `yaml:"kind"`
	Status       string         `yaml:"status"`
	Description  string         `yaml:"description"`
	Fields       []connectField `yaml:"fields,omitempty"`
}

type connectField struct {
	Path        string              `yaml:"path"`
	Name        string              `yaml:"name"`
	Label       string              `yaml:"label"`
	Type        string              `yaml:"type"`
	Kind        string              `yaml:"kind"`
	Description string              `yaml:"description"`
	Secret      bool                `yaml:"secret,omitempty"`
	Default     any                 `yaml:"default,omitempty"`
	Optional    bool                `yaml:"optional,omitempty"`
	Examples    []any               `yaml:"examples,omitempty"`
	Constraints []connectConstraint `yaml:"constraints,omitempty"`
}

// A connectConstraint is one rule; exactly one of its fields is set.
type connectConstraint struct {
	Regex string        `yaml:"regex,omitempty"`
	Range *connectRange `yaml:"range,omitempty"`
	Enum  []string      `yaml:"enum,omitempty"`
}

type connectRange struct {
	LT  any `yaml:"lt,omitempty"`
	LTE any `yaml:"lte,omitempty"`
	GT  any `yaml:"gt,omitempty"`
	GTE any `yaml:"gte,omitempty"`
}

// connectFiles makes the file of one connector, whose schema is the document's. Its fields are the options that the connector
// has for itself; the runtime accepts the shared ones that concern transforms and delivery too, but nobody has to see them.
func connectFiles(doc *metadata.Document, schema options.Schema) (map[string][]byte, error) {
	name := strings.TrimSuffix(doc.Name, "-"+string(doc.Direction))
	c := connectComponent{
		ModelVersion: connectModel, Name: connectName(name), Label: connectLabel(name), Kind: string(doc.Direction),
		Status: connectStatus[doc.Stability], Description: doc.Description,
	}
	if c.Status == "" {
		c.Status = connectStatus[metadata.Experimental]
	}
	for _, o := range schema.Visible() {
		if o.Shared {
			continue
		}
		field, err := newConnectField(o, doc.Examples)
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", o.Name, err)
		}
		c.Fields = append(c.Fields, field)
	}
	text, err := yaml.Marshal(c)
	return map[string][]byte{connectFolder + c.Kind + "s/" + c.Name + ".yml": text}, err
}

func newConnectField(o options.Option, examples []metadata.Example) (connectField, error) {
	f := connectField{
		Path: connectName(o.Name), Name: connectName(o.Name), Label: connectLabel(o.Name), Kind: "scalar",
		Description: o.Description, Secret: o.Secret, Optional: !o.Required,
	}
	value := o // what the constraints are about
	switch {
	case o.Type.First() == "array":
		f.Kind = "list"
		if value = (options.Option{Type: options.Types{"string"}}); o.Items != nil {
			value = *o.Items
		}
	case o.Type.First() == "object" && len(o.Properties) == 0:
		f.Kind = "map"
		value = options.Option{Type: options.Types{"string"}}
	}
	f.Type = connectType(value)
	var err error
	if f.Default, err = plain(o.Default); err != nil {
		return f, err
	}
	if o.Secret {
		f.Default = nil
	} else if f.Examples, err = connectExamples(o, examples); err != nil {
		return f, err
	}
	f.Constraints, err = connectConstraints(value)
	return f, err
}

// connectType is the platform's type of a single value. It has none for numbers that are not whole.
func connectType(o options.Option) string {
	switch o.Type.First() {
	case "boolean":
		return "bool"
	case "integer":
		return "int"
	case "object":
		return "object"
	}
	return "string"
}

// connectExamples are the option's own, else those that the connector's examples hold, each once.
func connectExamples(o options.Option, examples []metadata.Example) ([]any, error) {
	texts := o.Examples
	for _, e := range examples {
		if len(o.Examples) > 0 {
			break
		}
		var given map[string]json.RawMessage
		if err := json.Unmarshal(e.Options, &given); err != nil {
			return nil, err
		}
		if text, ok := given[o.Name]; ok {
			texts = append(texts, text)
		}
	}
	var all []any
	seen := map[string]bool{}
	for _, text := range texts {
		if seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		value, err := plain(text)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

func connectConstraints(o options.Option) ([]connectConstraint, error) {
	var all []connectConstraint
	if o.Pattern != "" {
		all = append(all, connectConstraint{Regex: o.Pattern})
	}
	if rule := lengthRule(o); rule != "" {
		all = append(all, connectConstraint{Regex: rule})
	}
	if o.Type.First() == "number" { // a string there, which has no range
		return append(all, connectConstraint{Regex: `^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`}), nil
	}
	var bounds connectRange
	for _, bound := range []struct {
		number json.Number
		into   *any
	}{{o.Below, &bounds.LT}, {o.Maximum, &bounds.LTE}, {o.Above, &bounds.GT}, {o.Minimum, &bounds.GTE}} {
		if bound.number == "" {
			continue
		}
		value, err := plain(json.RawMessage(bound.number))
		if err != nil {
			return nil, err
		}
		*bound.into = value
	}
	if bounds != (connectRange{}) {
		all = append(all, connectConstraint{Range: &bounds})
	}
	var words []string
	for _, text := range o.Enum {
		value, err := plain(text)
		if err != nil {
			return nil, err
		}
		words = append(words, fmt.Sprint(value))
	}
	if len(words) > 0 {
		all = append(all, connectConstraint{Enum: words})
	}
	return all, nil
}

// maxRepeat is the most that a repetition may count in Go's regular expressions, which the platform uses.
const maxRepeat = 1000

// lengthRule says in a regular expression how long a text may be; "" for any length, or one that no expression counts to.
func lengthRule(o options.Option) string {
	least, most := 0.0, 0.0
	if o.Shortest != "" {
		least, _ = o.Shortest.Float64() // a schema that was validated holds numbers there
	}
	if o.Longest != "" {
		most, _ = o.Longest.Float64()
	}
	switch {
	case least > maxRepeat || most > maxRepeat:
		return ""
	case most > 0:
		return fmt.Sprintf(`^[\s\S]{%.0f,%.0f}$`, least, most)
	case least > 0:
		return fmt.Sprintf(`^[\s\S]{%.0f,}$`, least)
	}
	return ""
}

// plain decodes a JSON value into what YAML writes alike: whole numbers stay whole. No text is no value.
func plain(text json.RawMessage) (any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	return numbers(value), nil
}

func numbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		if n, err := value.Int64(); err == nil {
			return n
		}
		if f, err := value.Float64(); err == nil {
			return f
		}
	case []any:
		for i := range value {
			value[i] = numbers(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = numbers(value[key])
		}
	}
	return value
}

// connectName is a name as the platform wants it; the runtime reads underscores as hyphens.
func connectName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// connectLabel is a name for people.
func connectLabel(name string) string {
	words := strings.ReplaceAll(name, "-", " ")
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):]
}
