package hosts

import (
	"fmt"
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

// A kpsUnit is what one class is about: a connector, or a source and a sink that one process serves.
type kpsUnit struct {
	name, description, version string
	image                      string // what the instance names
	docs                       []*metadata.Document
}

// kpsFiles returns the documents of one connector. What only the platform's user knows stands there in capitals between
// angle brackets.
func kpsFiles(doc *metadata.Document) (map[string][]byte, error) {
	return kpsUnit{doc.Name, doc.Description, doc.Version, "<IMAGE>", []*metadata.Document{doc}}.files()
}

func (u kpsUnit) files() (map[string][]byte, error) {
	documents := map[string]any{}
	category := kpsCategory{
		Kind: "category", Name: u.name, Description: "Finds ingress streams; those of " + u.name + " are egress streams, which need none.",
		Values: []string{kpsValue},
	}
	pipeline := kpsPipeline{
		Kind: "dataPipeline", Name: u.name + "-pipeline", Description: "Brings records from other streams to " + u.name + ".",
		Project: "<PROJECT>", Functions: []map[string]string{{"name": "<FUNCTION>"}},
	}
	pipeline.Input.Selectors = map[string][]string{"<CATEGORY>": {"<VALUE>"}}
	pipeline.Output.Edge.Type, pipeline.Output.Edge.Endpoint = "Connector", "<EGRESS_STREAM>"
	var all []*kpsOptions
	for _, doc := range u.docs {
		o, err := kpsRead(doc)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doc.Name, err)
		}
		all = append(all, o)
		stream := kpsStreamDocument{
			Name: doc.Name + "-stream", Instance: "<CONNECTOR_INSTANCE_ID>", Direction: "EGRESS", Labels: []kpsLabel{}, Domains: []string{},
			Stream: o.example(doc),
		}
		if doc.Direction == metadata.Source {
			stream.Direction, stream.Labels = "INGRESS", []kpsLabel{{ID: "<CATEGORY_ID>", Value: kpsValue}}
			category.Description = "Finds the ingress streams of " + u.name + "."
			pipeline.Description = "Brings the records of " + u.name + " to another stream."
			pipeline.Input.Selectors = map[string][]string{category.Name: category.Values}
		} else {
			pipeline.Output.Edge.Endpoint = stream.Name
		}
		file := "connectorstream.json"
		if len(u.docs) > 1 {
			file = "connectorstream-" + strings.ToLower(stream.Direction) + ".json"
			pipeline.Description = "Brings the records of a source of " + u.name + " to its sink."
		}
		documents[file] = stream
	}
	o := kpsJoin(all)
	documents["connectorclass.json"] = kpsClass{
		Name: u.name, Description: u.description, Version: u.version, Minimum: kpsMinimum, Type: kpsType,
		Static: o.schema(kpsStatic), Config: o.schema(kpsConfig), Stream: o.schema(kpsStream), YAML: o.manifests(u.name),
	}
	documents["connectorinstance.json"] = kpsInstance{
		Name: u.name + "-instance", Class: "<CONNECTOR_CLASS_ID>", Project: "<PROJECT_ID>", Static: map[string]any{"image": u.image},
	}
	documents["connectorconfig.json"] = kpsConfigDocument{
		Name: u.name + "-config", Description: "What can be changed while " + u.name + " runs.", Instance: "<CONNECTOR_INSTANCE_ID>",
		Config: o.defaults(kpsConfig), Domains: []string{},
	}
	documents["category.yaml"], documents["pipeline.yaml"] = category, pipeline
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
		files[kpsFolder+u.name+"/"+name] = text
	}
	return files, nil
}
