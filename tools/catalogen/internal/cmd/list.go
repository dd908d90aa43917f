package cmd

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
)

type listCmd struct {
	rootFlag
	JSON bool `help:"Print the index's entries as JSON." name:"json"`
}

// Run lists the catalog.
func (l listCmd) Run(s streams) error {
	index, err := readIndex(l.Root)
	if err != nil {
		return err
	}
	if l.JSON {
		e := json.NewEncoder(s.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(index.Connectors)
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tVERSION\tSTABILITY\tTESTS\tDESCRIPTION")
	for _, c := range index.Connectors {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", c.Name, c.Version, c.Stability, len(c.Evidence.Tests), c.Description)
	}
	return table.Flush()
}
