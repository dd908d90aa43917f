package hosts

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
)

func TestBundleFiles(t *testing.T) {
	source, sink := document(t, "sample-source"), document(t, "sample-sink")
	other := source
	other.Name = "other-source"
	components := []string{"connect/.connect/runtime.yml"}
	class := func(files ...string) (all []string) {
		for _, name := range append(files, "category.yaml", "connectorclass.json", "connectorconfig.json", "connectorinstance.json", "pipeline.yaml") {
			all = append(all, "kps/prices/"+name)
		}
		return all
	}
	for _, tt := range []struct {
		name string
		docs []metadata.Document
		want []string
	}{
		{"a source", []metadata.Document{source}, slices.Concat(components, []string{"connect/.connect/sources/sample.yml"}, class("connectorstream.json"))},
		{
			"a source and a sink",
			[]metadata.Document{source, sink},
			slices.Concat(components, []string{"connect/.connect/sources/sample.yml", "connect/.connect/sinks/sample.yml"},
				class("connectorstream-ingress.json", "connectorstream-egress.json")),
		},
		{
			"two sources",
			[]metadata.Document{source, other},
			slices.Concat(components, []string{"connect/.connect/sources/sample.yml", "connect/.connect/sources/other.yml"}),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files, err := BundleFiles("prices", "1.0.0", tt.docs)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, slices.Sorted(maps.Keys(files))); diff != "" {
				t.Error(diff)
			}
			var runtime struct{ Name, Version, Image string }
			if err := yaml.Unmarshal(files["connect/.connect/runtime.yml"], &runtime); err != nil || runtime.Image != "docker:prices:1.0.0" ||
				runtime.Name != "prices" || runtime.Version != "1.0.0" {
				t.Errorf("the runtime is %v, %v", runtime, err)
			}
		})
	}
}

func TestTheRuntimeOfTheCatalogIsThatOfItsBundle(t *testing.T) {
	docs := []metadata.Document{document(t, "sample-source"), document(t, "sample-sink")}
	all, err := Runtime()
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range docs {
		files, err := Files(doc, read(t, doc))
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, files)
	}
	bundle, err := BundleFiles(runtimeImage, runtimeVersion, docs)
	if err != nil {
		t.Fatal(err)
	}
	connect := func(files map[string][]byte) map[string]string {
		texts := map[string]string{}
		for name, text := range files {
			if strings.HasPrefix(name, connectFolder) {
				texts[name] = string(text)
			}
		}
		return texts
	}
	if diff := cmp.Diff(connect(all), connect(bundle)); diff != "" {
		t.Error(diff)
	}
}

func TestKPSFilesOfASourceAndASink(t *testing.T) {
	files, err := BundleFiles("prices", "1.0.0", []metadata.Document{document(t, "sample-source"), document(t, "sample-sink")})
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		if strings.HasPrefix(file, "kps/") {
			golden(t, "kps-both-"+path.Base(file), text)
		}
	}
}

// kpsSink shares names of options with kpsDocument.
func kpsSink() *metadata.Document {
	return &metadata.Document{
		Name: "b-sink", Direction: metadata.Sink, Version: "1.2.3", Description: "Is another.",
		Schema: json.RawMessage(`{"type": "object", "required": ["endpoint", "home-folder"], "properties": {
			"endpoint": {"type": "string", "x-env": "B_ENDPOINT"},
			"path": {"type": "integer", "writeOnly": true},
			"interval": {"type": "string", "default": "10s", "x-change": "config"},
			"home-folder": {"type": "string", "x-env": "B_HOME_FOLDER", "x-change": "static"},
			"topic": {"type": "string", "x-shared": true},
			"log-level": {"type": "string", "x-shared": true, "x-env": "PATCHBAY_LOG_LEVEL"}}}`),
	}
}

func TestKPSOptionsOfTwoConnectors(t *testing.T) {
	files, err := kpsUnit{name: "both", docs: []*metadata.Document{kpsDocument(), kpsSink()}}.files()
	if err != nil {
		t.Fatal(err)
	}
	var class kpsClass
	if err := json.Unmarshal(files["kps/both/connectorclass.json"], &class); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		schema    map[string]any
		good, bad []string
	}{
		{"static", class.Static, []string{`{"image": "i", "home_folder": "h", "log_level": "warn"}`}, []string{`{"image": "i"}`}},
		{"config", class.Config, []string{`{}`, `{"interval": "2s"}`}, []string{`{"endpoint": "e"}`}},
		// A path is needed for a stream of the source only, and a number for one of the sink.
		{"stream", class.Stream, []string{`{"endpoint": "e", "path": "p"}`, `{"endpoint": "e"}`, `{"endpoint": "e", "path": 1}`}, []string{`{}`, `{"endpoint": "e", "path": true}`}},
	} {
		text, err := json.Marshal(tt.schema)
		if err != nil {
			t.Fatal(err)
		}
		s, err := schema.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, good := range tt.good {
			if problems := s.Validate(parsed(t, good)); problems != nil {
				t.Errorf("%s: %s: %v", tt.name, good, problems)
			}
		}
		for _, bad := range tt.bad {
			if problems := s.Validate(parsed(t, bad)); problems == nil {
				t.Errorf("%s: %s passes", tt.name, bad)
			}
		}
	}
	if property := class.Stream["properties"].(map[string]any)["path"].(map[string]any); property["writeOnly"] != true {
		t.Errorf("a secret of one connector is none of both: %v", property)
	}
	for _, want := range []string{
		`command: ["/patchbay", "kps", "--", "a-source", "b-sink"]`, "- name: A_HOME_FOLDER\n", "- name: B_HOME_FOLDER\n",
	} {
		if !strings.Contains(class.YAML, want) {
			t.Errorf("%s is not in\n%s", want, class.YAML)
		}
	}
	if n := strings.Count(class.YAML, "PATCHBAY_LOG_LEVEL"); n != 1 {
		t.Errorf("a shared option stands there %d times", n)
	}
}
