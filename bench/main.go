// Command bench measures speed and size: every figure on one machine in one run, beside its goal, in one table. bench/run
// builds it and the programs that it compares with, and calls it in the repository's root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A part measures figures that belong together. A figure that could not be measured says why; an error ends the part.
type part struct {
	name    string
	measure func(context.Context, *bench) ([]Figure, error)
}

var parts = []part{
	{"start", measureStart},
	{"schema", measureSchema},
	{"jq", measureJQ},
	{"smartmodule", measureSmartModule},
	{"catalog", measureCatalog},
	{"size", measureSize},
	{"pipe", measurePipe},
	{"broker", measureBroker},
	{"direct", measureDirect},
	{"hosts", measureHosts},
}

// bench is where the programs are that parts run.
type bench struct {
	bin     string // holds what make build makes; absolute
	scratch string // holds the programs to compare with, and everything that is written; absolute
}

// program is the path of a built connector or tool or, if there is none of that name, of a program to compare with.
func (b *bench) program(name string) string {
	if path := filepath.Join(b.bin, name); isProgram(path) {
		return path
	}
	return filepath.Join(b.scratch, name)
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures and reports. It fails if something could not be measured, not if a goal was missed: the machine may be busy.
func run(ctx context.Context, args []string) error {
	var b bench
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&b.bin, "bin", "bin", "folder of the built connectors and tools")
	flags.StringVar(&b.scratch, "scratch", "", "folder of the programs to compare with; it is written to, and removed at the end")
	only := flags.String("part", "", "measure this part only")
	markdown := flags.Bool("markdown", false, "write the figures into "+document)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.scratch != "" {
		defer os.RemoveAll(b.scratch)
	}
	chosen := parts
	if *only != "" {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == *only })
		switch {
		case i < 0:
			return fmt.Errorf("there is no part %q: BENCH is one of %s", *only, strings.Join(partNames(), ", "))
		case *markdown:
			return errors.New("--markdown writes the whole table: leave BENCH out")
		}
		chosen = parts[i : i+1]
	}
	for _, name := range []string{"generate-source", "stdout-sink", "catalogen", "patchbay"} {
		if path := filepath.Join(b.bin, name); !isProgram(path) {
			return fmt.Errorf("there is no %s: run make build first", path)
		}
	}

	r := Report{Machine: thisMachine()}
	for _, p := range chosen {
		fmt.Fprintf(os.Stderr, "measuring %s …\n", p.name)
		figures, err := p.measure(ctx, &b)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			figures = append(figures, Figure{Name: p.name, Error: err.Error()})
		}
		for i := range figures {
			figures[i].Part = p.name
		}
		r.Figures = append(r.Figures, figures...)
	}
	r.writeTable(os.Stdout)
	if err := r.writeJSON("reports/bench.json"); err != nil {
		return err
	}
	if *markdown {
		if err := r.writeDocument(document); err != nil {
			return err
		}
	}
	if n := r.unmeasured(); n > 0 {
		return fmt.Errorf("%d figures could not be measured", n)
	}
	return nil
}

func partNames() []string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return names
}
