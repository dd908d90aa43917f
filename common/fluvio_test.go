package common

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestOldSpellingsOfFlagsAreTaken(t *testing.T) {
	tests := []struct {
		name, args string
		status     int
		stdout     string
		stderr     []string // contained; none means that nothing is told
	}{
		{"the topic", "--fluvio-topic - --upto 1", 0, "1\n", []string{"tally-source: --fluvio-topic is now --topic\n"}},
		{
			"each once, in one line", "--fluvio-topic=- --rust-log trace --array-map [.,.] --array-map=. --upto=1", 0, "1\n1\n",
			[]string{"--fluvio-topic is now --topic, --rust-log is now --log-level, --array-map is now --arraymap\n"},
		},
		{"a value that looks like one", "--topic - --upto 1 --fail --rust-log", 1, "1\n", []string{"tally-source: --rust-log"}},
		{"a filter of a Rust program", "--topic - --upto 1 --rust-log fluvio=debug,warn", 0, "1\n", []string{"--rust-log is now --log-level"}},
		{"a level that is none", "--topic - --rust-log loud", 2, "", []string{"--log-level: \"loud\" is not one of"}},
		{"a value that is missing", "--upto 1 --fluvio-topic", 2, "", []string{"--topic"}},
		{"a module by its path", "--topic - --filter-map none.wasm", 2, "", []string{"--filter-map is now --map", "--map: none.wasm: "}},
		{
			"an aggregate", "--topic - --aggregate none.wasm --aggregate-initial-value=7 --smartmodule-parameters a=b", 2, "",
			[]string{"--aggregate is now --map, --aggregate-initial-value is now --initial, --smartmodule-parameters is now --param", "--map: none.wasm: "},
		},
		{
			"a module by its name", "--topic - --smartmodule my-map", 2, "",
			[]string{"--smartmodule: there is no cluster that keeps modules by their names; give --map the path"},
		},
		{"a word behind the flags", "--topic - -- --rust-log", 2, "", []string{"a word that is neither"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := invoke(t.Context(), counter(), setting{args: strings.Fields(tt.args)})
			if got.status != tt.status || got.stdout != tt.stdout {
				t.Errorf("status %d, stdout %q, stderr %q", got.status, got.stdout, got.stderr)
			}
			for _, part := range tt.stderr {
				if !strings.Contains(got.stderr, part) {
					t.Errorf("stderr %q does not hold %q", got.stderr, part)
				}
			}
			if strings.Count(got.stderr, "tally-source: --fluvio-topic is now") > 1 {
				t.Errorf("the note is told twice: %q", got.stderr)
			}
		})
	}
}

func TestOldSpellingsAreHidden(t *testing.T) {
	for _, args := range []string{"--help", "metadata", "completion bash", "completion zsh", "completion fish"} {
		got := invoke(t.Context(), counter(), setting{args: strings.Fields(args)})
		for old := range fluvioSpellings {
			if old != "aggregate" && old != "smartmodule" && strings.Contains(got.stdout, old) { // which are words of their own
				t.Errorf("%s tells of %s", args, old)
			}
			if strings.Contains(got.stdout, "--"+old) {
				t.Errorf("%s tells of --%s", args, old)
			}
		}
	}
}

func TestAConfigFileOfFluvioIsTakenAsItStands(t *testing.T) {
	file := func(more string) setting {
		return setting{args: []string{"--config", "c.yaml"}, files: map[string]string{"c.yaml": `name: my-tally
type: tally-source
version: 1.2.3
topic: '-'
create_topic: true
parameters: {upto: 2}
secrets: {token: hush}
` + more}}
	}
	got := invoke(t.Context(), counter(), file("producer: {linger: 5ms, batch-size: 1MB, compression: gzip}\nconsumer: {partition: 0}\n"+
		"transforms:\n  - map: . * 2\n"))
	if got.status != 0 || got.stdout != "2\n4\n" {
		t.Fatalf("status %d, stdout %q, stderr %q", got.status, got.stdout, got.stderr)
	}
	for _, part := range []string{"c.yaml:8: producer.linger has no effect", "producer.batch-size has", "producer.compression has", "consumer.partition has"} {
		if strings.Count(got.stderr, part) != 1 {
			t.Errorf("stderr %q does not hold %q once", got.stderr, part)
		}
	}
	for more, want := range map[string]string{
		"consumer: {partition: 3}\n":                              "c.yaml:8:12: consumer.partition: a topic has one partition here",
		"transforms: [{uses: infinyon/jolt@0.1.0, with: {a: 1}}]": "uses names the file of a SmartModule",
	} {
		got := invoke(t.Context(), counter(), file(more))
		if got.status != 2 || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: status %d, stderr %q", more, got.status, got.stderr)
		}
	}
}

// TestMetadataIsWhatTheCIOfFluvioReads checks what systems that were made for Fluvio's connectors rely on.
func TestMetadataIsWhatTheCIOfFluvioReads(t *testing.T) {
	for direction, p := range map[string]*program{"source": counter(), "sink": gatherer()} {
		got := invoke(t.Context(), p, setting{args: []string{"metadata"}})
		if got.status != 0 || got.stderr != "" {
			t.Fatalf("status %d, stderr %q", got.status, got.stderr)
		}
		var doc struct {
			Name, Direction, Version, Description string
			Schema                                struct {
				Schema     string `json:"$schema"`
				Title      string
				Type       string
				Required   []string
				Properties map[string]struct {
					Description string
					Type        string
					Format      string
					Minimum     *json.Number
				}
			}
		}
		if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil { // one object, and nothing else
			t.Fatal(err)
		}
		if doc.Name == "" || doc.Direction != direction || doc.Version == "" || doc.Description == "" {
			t.Errorf("the head of the document is %+v", doc)
		}
		s := doc.Schema
		if s.Schema != "http://json-schema.org/draft-07/schema#" || !strings.HasSuffix(s.Title, "Options") || s.Type != "object" {
			t.Errorf("the schema is a %q called %q of type %q", s.Schema, s.Title, s.Type)
		}
		if !slices.Contains(s.Required, "topic") || len(s.Properties) == 0 {
			t.Errorf("%d properties, required %q", len(s.Properties), s.Required)
		}
		for name, property := range s.Properties {
			if property.Description == "" || property.Type == "" {
				t.Errorf("property %s is %+v", name, property)
			}
		}
	}
}
