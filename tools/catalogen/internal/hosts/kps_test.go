package hosts

import (
	"bytes"
	"encoding/json"
	"io"
	"path"
	"strings"
	"testing"
	"text/template"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/common/metadata/schema"
)

func TestKPSFiles(t *testing.T) {
	for _, name := range []string{"sample-source", "sample-sink"} {
		doc := document(t, name)
		files, err := kpsFiles(&doc)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != 6 {
			t.Errorf("%s has %d files", name, len(files))
		}
		for file, text := range files {
			golden(t, "kps-"+name+"-"+path.Base(file), text)
		}
	}
}

// kpsDocument has an option of each class.
func kpsDocument() *metadata.Document {
	return &metadata.Document{
		Name: "a-source", Direction: metadata.Source, Version: "1.2.3", Description: "Is one.",
		Schema: json.RawMessage(`{"type": "object", "required": ["endpoint", "path", "topic"], "properties": {
			"endpoint": {"type": "string", "x-env": "A_ENDPOINT"},
			"path": {"type": "string"},
			"interval": {"type": "string", "default": "10s", "x-change": "config"},
			"home-folder": {"type": "string", "x-env": "A_HOME_FOLDER", "x-change": "static"},
			"fast": {"type": "boolean", "default": true, "x-env": "A_FAST", "x-change": "static"},
			"topic": {"type": "string", "x-shared": true},
			"map": {"type": "array", "x-shared": true},
			"log-level": {"type": "string", "x-shared": true, "x-env": "PATCHBAY_LOG_LEVEL"}}}`),
		Examples: []metadata.Example{{Options: json.RawMessage(`{"endpoint": "http://a", "interval": "1m", "topic": "t"}`)}},
	}
}

func TestKPSOptionsAreInOneSchemaEach(t *testing.T) {
	files, err := kpsFiles(kpsDocument())
	if err != nil {
		t.Fatal(err)
	}
	var class kpsClass
	if err := json.Unmarshal(files["kps/a-source/connectorclass.json"], &class); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		schema map[string]any
		good   string
		bad    []string
	}{
		{"static", class.Static, `{"image": "i", "home_folder": "h", "fast": false, "log_level": "warn", "state_claim": "c"}`, []string{`{}`, `{"image": "i", "topic": "t"}`}},
		{"config", class.Config, `{"interval": "2s"}`, []string{`{"endpoint": "e"}`}},
		{"stream", class.Stream, `{"endpoint": "e", "path": "p", "map": ["."]}`, []string{`{"endpoint": "e"}`, `{"endpoint": "e", "path": "p", "interval": "2s"}`}},
	} {
		text, err := json.Marshal(tt.schema)
		if err != nil {
			t.Fatal(err)
		}
		s, err := schema.Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if problems := s.Validate(parsed(t, tt.good)); problems != nil {
			t.Errorf("%s: %s: %v", tt.name, tt.good, problems)
		}
		for _, bad := range tt.bad {
			if problems := s.Validate(parsed(t, bad)); problems == nil {
				t.Errorf("%s: %s passes", tt.name, bad)
			}
		}
	}
	var stream kpsStreamDocument
	if err := json.Unmarshal(files["kps/a-source/connectorstream.json"], &stream); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"endpoint": "http://a", "path": "<PATH>"}, stream.Stream); diff != "" {
		t.Error(diff)
	}
	var config kpsConfigDocument
	if err := json.Unmarshal(files["kps/a-source/connectorconfig.json"], &config); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"interval": "10s"}, config.Config); diff != "" {
		t.Error(diff)
	}
}

// parsed decodes JSON as the validator wants it.
func parsed(t *testing.T, text string) any {
	t.Helper()
	value, err := schema.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestKPSManifestsTakeTheStaticParameters(t *testing.T) {
	files, err := kpsFiles(kpsDocument())
	if err != nil {
		t.Fatal(err)
	}
	var class kpsClass
	if err := json.Unmarshal(files["kps/a-source/connectorclass.json"], &class); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		env        map[string]string
		volume     string
	}{
		{"the least", map[string]any{"image": "i:1"}, map[string]string{"PATCHBAY_KPS_STATE": "/state"}, "emptyDir"},
		{"all", map[string]any{"image": "i:1", "home_folder": `a "b": c`, "fast": false, "log_level": "warn", "state_claim": "claim"}, map[string]string{
			"PATCHBAY_KPS_STATE": "/state", "A_HOME_FOLDER": `a "b": c`, "A_FAST": "false", "PATCHBAY_LOG_LEVEL": "warn",
		}, "persistentVolumeClaim"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var text bytes.Buffer
			if err := template.Must(template.New("").Parse(class.YAML)).Execute(&text, map[string]any{"Parameters": tt.parameters}); err != nil {
				t.Fatal(err)
			}
			var deployment struct {
				Spec struct {
					Template struct {
						Spec struct {
							Containers []struct {
								Image, Command any
								Env            []struct{ Name, Value string }
							}
							Volumes []map[string]any
						}
					}
				}
			}
			decoder := yaml.NewDecoder(strings.NewReader(text.String()))
			if err := decoder.Decode(&deployment); err != nil {
				t.Fatalf("%v in\n%s", err, text.String())
			}
			pod := deployment.Spec.Template.Spec
			env := map[string]string{}
			for _, v := range pod.Containers[0].Env {
				env[v.Name] = v.Value
			}
			if diff := cmp.Diff(tt.env, env); diff != "" {
				t.Error(diff)
			}
			if pod.Containers[0].Image != "i:1" || pod.Volumes[0][tt.volume] == nil {
				t.Errorf("the pod is %v", pod)
			}
			var service struct{ Kind string }
			if err := decoder.Decode(&service); err != nil || service.Kind != "Service" {
				t.Errorf("the second document is %v, %v", service, err)
			}
			if err := decoder.Decode(&service); err != io.EOF {
				t.Errorf("there is a third document: %v", err)
			}
		})
	}
}
