package common

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/invopop/jsonschema"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/options"
)

// writeMetadata prints the metadata document. It depends on nothing but the program.
func (p *program) writeMetadata(w io.Writer, m *options.Model, draft string) error {
	dialect, ok := map[string]string{"": options.Draft07, "draft-07": options.Draft07, "2020-12": options.Draft2020}[draft]
	if !ok {
		return &usageError{fmt.Errorf("--draft: %q is neither draft-07 nor 2020-12", draft)}
	}
	doc, err := p.document(m, dialect)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(doc); err != nil {
		return err
	}
	// The schema is nine tenths of it, and is written as it shall stand there: the encoder would check and indent it anew. It
	// goes where the encoder has put a null, before which no other value can hold these bytes, since quotes are escaped.
	before, after, _ := bytes.Cut(b.Bytes(), []byte(noSchema))
	_, err = w.Write(slices.Concat(before, []byte(`"schema": `), m.Schema(dialect, "  "), after))
	return err
}

// noSchema is how the document is encoded without its schema.
const noSchema = `"schema": null`

// document gathers what the author said and what follows from it, but for the schema.
func (p *program) document(m *options.Model, dialect string) (*metadata.Document, error) {
	if err := p.info.complete(); err != nil {
		return nil, err
	}
	d := &metadata.Document{
		Name: p.info.Name, Direction: p.direction, Version: p.info.Version, Description: p.info.Description,
		MetadataVersion: metadata.Version, SDKVersion: sdkVersion,
		Stability: p.info.Stability, Deprecation: p.info.Deprecation, License: p.info.License, Category: p.info.Category,
		ExitStatuses: []metadata.ExitStatus{
			{Status: statusOK, Meaning: "done, or stopped as asked"},
			{Status: statusFailed, Meaning: "failed; the last line on standard error says why"},
			{Status: statusUsage, Meaning: "wrong usage or configuration; nothing was started"},
			{Status: statusAborted, Meaning: "aborted by a second signal"},
		},
		Guarantee: metadata.AtLeastOnce, Resumes: p.info.Resumes, PositionsRecur: p.info.PositionsRecur,
		SemanticChecks: slices.Concat(semanticChecks, cloudEventsChecks, p.info.Checks),
	}
	if d.Stability == "" {
		d.Stability = metadata.Experimental
	}
	if d.License == "" {
		d.License = "Apache-2.0"
	}
	for _, c := range m.Commands() {
		d.Commands = append(d.Commands, metadata.Command{Name: c[0], Description: c[1]})
	}
	if p.info.Record != nil {
		reflector := &jsonschema.Reflector{Anonymous: true, DoNotReference: true}
		record := reflector.Reflect(p.info.Record)
		record.Version = dialect
		var err error
		if d.Record, err = json.Marshal(record); err != nil {
			return nil, fmt.Errorf("encode the record contract: %w", err)
		}
	}
	var errs []error
	for _, e := range p.info.Examples {
		example, err := exampleOptions(m, e)
		errs = append(errs, err)
		d.Examples = append(d.Examples, example)
	}
	return d, errors.Join(errs...)
}

// exampleOptions reads an example's command line, and nothing else.
func exampleOptions(m *options.Model, e Example) (metadata.Example, error) {
	line, problems := m.Args(e.Args)
	given, more := m.Given(line)
	var errs []error
	for _, problem := range append(problems, more...) {
		errs = append(errs, problem)
	}
	if len(errs) > 0 {
		return metadata.Example{}, fmt.Errorf("example %q: %w", e.Title, errors.Join(errs...))
	}
	data, err := json.Marshal(given)
	return metadata.Example{Title: e.Title, Options: data}, err
}
