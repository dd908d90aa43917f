package cmd

import (
	"fmt"
	"text/tabwriter"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
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
		text, err := pretty.JSON(index.Connectors)
		if err != nil {
			return err
		}
		_, err = s.out.Write(text)
		return err
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tVERSION\tSTABILITY\tTESTS\tDESCRIPTION")
	for _, c := range index.Connectors {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", c.Name, c.Version, c.Stability, len(c.Evidence.Tests), c.Description)
	}
	return table.Flush()
}
