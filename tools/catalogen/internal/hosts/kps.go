package hosts

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
)

// Karbon Platform Services knows a connector by a class, and its use by documents that name each other: an instance of the
// class, its streams and its config, a category by which ingress streams are found, and a pipeline.
const (
	kpsFolder = "kps/"
	// kpsType is the one type whose meaning is known: a class that may have streams of both directions.
	kpsType = "BIDIRECTIONAL"
	// kpsMinimum is the version of a service domain that the platform's own connector template asks for.
	kpsMinimum = "2.3.0"
	// kpsValue is the value of a connector's category that its ingress streams have.
	kpsValue = "records"
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
var kpsTransforms = []string{"map", "filter", "arraymap"}

type kpsClass struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Version     string         `json:"connectorVersion"`
	Minimum     string         `json:"minSvcDomainVersion"`
	Type        string         `json:"type"`
	Static      map[string]any `json:"staticParameterSchema"`
	Config      map[string]any `json:"configParameterSchema"`
	Stream      map[string]any `json:"streamParameterSchema"`
	YAML        string         `json:"yamlData"`
}

type kpsInstance struct {
	Name    string         `json:"name"`
	Class   string         `json:"connectorClassID"`
	Project string         `json:"projectId"`
	Static  map[string]any `json:"staticParameters"`
}

type kpsStreamDocument struct {
	Name      string         `json:"name"`
	Instance  string         `json:"connectorInstanceID"`
	Labels    []kpsLabel     `json:"labels"`
	Direction string         `json:"direction"`
	Domains   []string       `json:"serviceDomainIds"` // none means all of the project
	Stream    map[string]any `json:"stream"`
}

type kpsLabel struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

type kpsConfigDocument struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Instance    string         `json:"connectorInstanceID"`
	Config      map[string]any `json:"config"`
	Domains     []string       `json:"serviceDomainIds"`
}

type kpsCategory struct {
	Kind        string   `yaml:"kind"`
	Name        string   `yaml:"name"`
	Description string   `yaml:"description"`
	Values      []string `yaml:"values"`
}

type kpsPipeline struct {
	Kind        string              `yaml:"kind"`
	Name        string              `yaml:"name"`
	Description string              `yaml:"description"`
	Project     string              `yaml:"project"`
	Functions   []map[string]string `yaml:"functions"`
	Input       struct {
		Selectors map[string][]string `yaml:"categorySelectors"`
	} `yaml:"input"`
	Output struct {
		Edge struct {
			Type     string `yaml:"type"`
			Endpoint string `yaml:"endpointName"`
		} `yaml:"localEdge"`
	} `yaml:"output"`
}

// kpsFiles returns the documents of one connector. What only the platform's user knows stands there in capitals between
// angle brackets.
func kpsFiles(doc *metadata.Document) (map[string][]byte, error) {
	o, err := kpsRead(doc)
	if err != nil {
		return nil, err
	}
	source := doc.Direction == metadata.Source
	stream := kpsStreamDocument{
		Name: doc.Name + "-stream", Instance: "<CONNECTOR_INSTANCE_ID>", Direction: "EGRESS", Labels: []kpsLabel{}, Domains: []string{},
		Stream: o.example(doc),
	}
	pipeline := kpsPipeline{
		Kind: "dataPipeline", Name: doc.Name + "-pipeline", Description: "Brings records from other streams to " + doc.Name + ".",
		Project: "<PROJECT>", Functions: []map[string]string{{"name": "<FUNCTION>"}},
	}
	pipeline.Input.Selectors = map[string][]string{"<CATEGORY>": {"<VALUE>"}}
	pipeline.Output.Edge.Type, pipeline.Output.Edge.Endpoint = "Connector", stream.Name
	category := kpsCategory{
		Kind: "category", Name: doc.Name, Description: "Finds the ingress streams of " + doc.Name + ".", Values: []string{kpsValue},
	}
	if source {
		stream.Direction, stream.Labels = "INGRESS", []kpsLabel{{ID: "<CATEGORY_ID>", Value: kpsValue}}
		pipeline.Description = "Brings the records of " + doc.Name + " to another stream."
		pipeline.Input.Selectors = map[string][]string{category.Name: category.Values}
		pipeline.Output.Edge.Endpoint = "<EGRESS_STREAM>"
	} else {
		category.Description = "Finds ingress streams; those of " + doc.Name + " are egress streams, which need none."
	}
	documents := map[string]any{
		"connectorclass.json": kpsClass{
			Name: doc.Name, Description: doc.Description, Version: doc.Version, Minimum: kpsMinimum, Type: kpsType,
			Static: o.schema(kpsStatic), Config: o.schema(kpsConfig), Stream: o.schema(kpsStream), YAML: o.manifests(doc),
		},
		"connectorinstance.json": kpsInstance{
			Name: doc.Name + "-instance", Class: "<CONNECTOR_CLASS_ID>", Project: "<PROJECT_ID>", Static: map[string]any{"image": "<IMAGE>"},
		},
		"connectorstream.json": stream,
		"connectorconfig.json": kpsConfigDocument{
			Name: doc.Name + "-config", Description: "What can be changed while " + doc.Name + " runs.", Instance: "<CONNECTOR_INSTANCE_ID>",
			Config: o.defaults(kpsConfig), Domains: []string{},
		},
		"category.yaml": category,
		"pipeline.yaml": pipeline,
	}
	files := map[string][]byte{}
	for name, document := range documents {
		encode := pretty.JSON
		if strings.HasSuffix(name, ".yaml") {
			encode = yaml.Marshal
		}
		text, err := encode(document)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[kpsFolder+doc.Name+"/"+name] = text
	}
	return files, nil
}

// kpsOptions are the options of a connector as its schema gives them, by class.
type kpsOptions struct {
	title    string
	required []string
	byClass  map[string]map[string]map[string]any // the schema of each option by class and name
	env      map[string]string
}

// kpsRead sorts the options of a connector by their class.
func kpsRead(doc *metadata.Document) (*kpsOptions, error) {
	var schema struct {
		Required   []string                  `json:"required"`
		Properties map[string]map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(doc.Schema, &schema); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	o := &kpsOptions{title: doc.Name, required: schema.Required, byClass: map[string]map[string]map[string]any{}, env: map[string]string{}}
	for _, class := range []string{kpsStatic, kpsConfig, kpsStream} {
		o.byClass[class] = map[string]map[string]any{}
	}
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
		o.env[name], _ = option["x-env"].(string)
		maps.DeleteFunc(option, func(key string, _ any) bool { return strings.HasPrefix(key, "x-") })
		if of := o.byClass[class]; of != nil {
			of[name] = option
		}
	}
	return o, nil
}

// schema describes the options of a class for the platform, in the keywords that every dialect has.
func (o *kpsOptions) schema(class string) map[string]any {
	properties := map[string]any{}
	required := []string{}
	if class == kpsStatic {
		properties["image"] = map[string]any{"type": "string", "minLength": 1, "description": "Container image that holds patchbay and " + o.title + "."}
		properties["state_claim"] = map[string]any{"type": "string", "description": "PersistentVolumeClaim that keeps positions. " +
			"Default: none; they are gone with the pod."}
		required = append(required, "image")
	}
	for name, option := range o.byClass[class] {
		key := o.key(class, name)
		properties[key] = option
		if slices.Contains(o.required, name) {
			required = append(required, key)
		}
	}
	slices.Sort(required)
	return map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": properties, "required": required,
		"additionalProperties": false,
	}
}

// key is what an option is called. The platform's templates cannot name what has a hyphen.
func (o *kpsOptions) key(class, name string) string {
	if class == kpsStatic {
		return strings.ReplaceAll(name, "-", "_")
	}
	return name
}

// defaults are the options of a class that have one, with it.
func (o *kpsOptions) defaults(class string) map[string]any {
	values := map[string]any{}
	for name, option := range o.byClass[class] {
		if value, ok := option["default"]; ok {
			values[name] = value
		}
	}
	return values
}

// example is what a stream may be set to: the first example of the connector, as far as it is of this class.
func (o *kpsOptions) example(doc *metadata.Document) map[string]any {
	values := map[string]any{}
	if len(doc.Examples) > 0 && json.Unmarshal(doc.Examples[0].Options, &values) == nil {
		maps.DeleteFunc(values, func(name string, _ any) bool { return o.byClass[kpsStream][name] == nil })
	}
	for _, name := range o.required {
		if _, given := values[name]; !given && o.byClass[kpsStream][name] != nil {
			values[name] = "<" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + ">"
		}
	}
	return values
}
