package cmd

import (
	"bytes"
	"testing"
)

func TestShowPrintsTheDocumentByteForByte(t *testing.T) {
	const document = `{"version": "0.1.0",   "x-note": "<&>", "name": "a-source"}`
	root := t.TempDir()
	writeFiles(t, root, map[string]string{
		"catalog/index.json":                     `{"connectors": [{"name": "a-source", "version": "0.1.0"}]}`,
		"catalog/connectors/a-source/0.1.0.json": document,
	})
	var out bytes.Buffer
	if status := Run(t.Context(), []string{"show", "--root", root, "--json", "a-source"}, &out, &out); status != 0 || out.String() != document {
		t.Errorf("status %d:\n%s", status, out.String())
	}
}
