// Command barekong parses a command line of two commands and prints a line: what a program with kong costs before it has a
// reason to exist.
package main

import (
	"fmt"

	"github.com/alecthomas/kong"
)

type cli struct {
	Run struct {
		Topic string `help:"Topic to publish to."`
		Once  bool   `help:"Make one pass, then end."`
	} `cmd:"" help:"Run."`
	Metadata struct{} `cmd:"" help:"Describe this program."`
}

func main() {
	ctx := kong.Parse(&cli{}, kong.Name("barekong"), kong.Description("Does nothing."))
	fmt.Println(ctx.Command())
}
