package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/options"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
)

type showCmd struct {
	rootFlag
	Name string `arg:"" help:"The connector."`
	JSON bool   `help:"Print the metadata document as it is in the catalog, byte for byte." name:"json"`
}

// Run shows one connector.
func (c showCmd) Run(s streams) error {
	entry, err := find(c.Root, c.Name)
	if err != nil {
		return err
	}
	doc, text, err := document(c.Root, entry.Name, entry.Version)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err := s.out.Write(text)
		return err
	}
	read, err := options.Read(doc.Schema)
	if err != nil {
		return fmt.Errorf("options of %s: %w", doc.Name, err)
	}
	fmt.Fprintf(s.out, "%s %s (%s, %s, %s)\n%s\n\n", entry.Name, entry.Version, entry.Direction, entry.Stability, doc.License, entry.Description)
	fmt.Fprintf(s.out, "versions  %s\npath      %s\ntests     %d passed\n", strings.Join(entry.Versions, ", "), entry.Path, len(entry.Evidence.Tests))
	group := ""
	for _, o := range read.Visible() {
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(s.out, "\n%s\n", group)
		}
		fmt.Fprintf(s.out, "  --%-22s %s%s\n", o.Name, o.Description, facts(o))
	}
	return examples(s.out, doc)
}

// facts tells what an option's line says in brackets.
func facts(o options.Option) string {
	var words []string
	if o.Deprecation != nil {
		words = append(words, "deprecated, may be gone from "+o.Deprecation.Date)
	}
	switch {
	case o.Required:
		words = append(words, "required")
	case o.Secret:
		words = append(words, "secret")
	case len(o.Default) > 0:
		words = append(words, "default "+string(o.Default))
	}
	words = append(words, "$"+o.Env)
	return " [" + strings.Join(words, "; ") + "]"
}

// examples writes the connector's examples as command lines.
func examples(out io.Writer, doc metadata.Document) error {
	for _, example := range doc.Examples {
		line, err := publish.CommandLine(doc.Name, example.Options)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "\n%s:\n  %s\n", example.Title, line); err != nil {
			return err
		}
	}
	return nil
}
