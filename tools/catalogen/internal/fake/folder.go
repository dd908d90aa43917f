package fake

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Folder is a connector's folder to be made for a test.
type Folder struct {
	Path     string // such as connectors/sources/a-source
	Quirk    string // how the connector misbehaves, in words joined by commas; empty for not at all
	Test     string // body of the test rule; empty for one TAP test that passes
	Makefile string // the whole Makefile in place of the usual one
	Metadata string // the whole metadata in place of the usual one
}

// Write makes the folder below root. The usual Makefile builds a script that calls Program.
func (f Folder) Write(root string) error {
	dir := filepath.Join(root, filepath.FromSlash(f.Path))
	name := filepath.Base(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	test := f.Test
	if test == "" {
		test = `@printf '1..1\nok 1 - works\n'`
	}
	makefile := f.Makefile
	if makefile == "" {
		makefile = "build:\n\t@printf '#!/bin/sh\\nexec " + Program + " %s \"$$@\"\\n' '$(CURDIR)' >'$(BIN)'\n\t@chmod +x '$(BIN)'\n" +
			"\ntest:\n\t" + test + "\n"
	}
	document := f.Metadata
	if document == "" {
		document = Metadata(name)
		if strings.HasSuffix(name, "-source") { // as it does when it is driven
			document = strings.Replace(document, `"category"`, `"resumes": true, "category"`, 1)
		}
	}
	for file, text := range map[string]string{
		"Makefile": makefile, "metadata.json": document,
		"README.md": "# " + name + "\n\nFor tests.\n\n<!-- options:begin -->\n<!-- options:end -->\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if f.Quirk == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "quirk"), []byte(f.Quirk+"\n"), 0o644)
}

// Metadata is a document that breaks no rule, for a connector of a name.
func Metadata(name string) string {
	direction := name[strings.LastIndexByte(name, '-')+1:]
	env := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	return fmt.Sprintf(`{
  "name": %[1]q, "direction": %[2]q, "version": "0.1.0", "description": "Moves records for tests.",
  "schema": {
    "$schema": "http://json-schema.org/draft-07/schema#", "title": "Options", "type": "object",
    "properties": {
      "endpoint": {"type": "string", "pattern": "^https?://", "description": "Where to read.", "x-env": "%[3]s_ENDPOINT", "x-group": "Options"},
      "interval": {"type": "string", "pattern": "^(0|[-+]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))$", "default": "10s", "x-type": "duration", "description": "How often.", "x-env": "%[3]s_INTERVAL", "x-group": "Options"},
      "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10, "description": "How many.", "x-env": "%[3]s_LIMIT", "x-group": "Options"},
      "mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast", "description": "In which way.", "x-env": "%[3]s_MODE", "x-group": "Options"},
      "strict": {"type": "boolean", "description": "Whether to be strict.", "x-env": "%[3]s_STRICT", "x-group": "Options"},
      "header": {"type": "array", "items": {"type": "string"}, "description": "Headers to send.", "x-env": "%[3]s_HEADER", "x-group": "Options"},
      "token": {"type": "string", "writeOnly": true, "description": "The token.", "x-env": "%[3]s_TOKEN", "x-group": "Options"},
      "topic": {"type": "string", "minLength": 1, "description": "The topic.", "x-env": "PATCHBAY_TOPIC", "x-group": "Topic", "x-shared": true},
      "name": {"type": "string", "minLength": 1, "description": "The name of this instance.", "x-env": "PATCHBAY_NAME", "x-group": "Topic", "x-shared": true},
      "once": {"type": "boolean", "description": "One pass over what is there.", "x-env": "PATCHBAY_ONCE", "x-group": "Topic", "x-shared": true},
      "acks": {"type": "boolean", "description": "Speak the link protocol.", "x-env": "PATCHBAY_ACKS", "x-group": "Topic", "x-shared": true}
    },
    "required": ["endpoint", "topic"], "additionalProperties": false
  },
  "metadata_version": "1", "stability": "experimental", "license": "Apache-2.0", "category": "tests",
  "commands": [{"name": "run", "description": "Runs."}, {"name": "metadata", "description": "Prints this."},
    {"name": "validate", "description": "Checks options."}, {"name": "completion", "description": "Completes."}],
  "exit_statuses": [{"status": 0, "meaning": "done"}, {"status": 1, "meaning": "failed"}, {"status": 2, "meaning": "wrong usage"}],
  "examples": [{"title": "Read", "options": {"endpoint": "http://127.0.0.1:1/", "topic": "demo"}}]
}
`, name, direction, env)
}
