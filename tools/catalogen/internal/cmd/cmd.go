// Package cmd is the command line of catalogen, one file for each subcommand.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/progress"
)

// The exit statuses of catalogen.
const (
	ok     = 0
	failed = 1 // something may not be published, or the machine failed
	usage  = 2 // the command line or a config file makes no sense

	interrupted = 130 // stopped by a signal before it was done
)

// errFailed ends a command whose reasons are already on the screen.
var errFailed = errors.New("failed")

// errInvalid ends a command whose config file is wrong, which is on the screen already.
var errInvalid = errors.New("invalid")

// errUsage is wrapped by errors about the command line that kong cannot see.
var errUsage = errors.New("wrong usage")

type cli struct {
	Generate generateCmd `cmd:"" help:"Build, examine and test every connector and write the catalog."`
	Check    checkCmd    `cmd:"" help:"Say how the catalog in the tree differs from what generate would write; change nothing."`
	Diff     diffCmd     `cmd:"" help:"Say what changed in the connectors since the last release, and which versions that asks for; change nothing."`
	Affected affectedCmd `cmd:"" help:"List the connectors whose inputs have changed since a git reference, and why."`
	Test     testCmd     `cmd:"" help:"Run the connectors' own tests, through the same evidence cache as generate."`
	Conform  conformCmd  `cmd:"" help:"Hold any program against the rules for connectors; no repository is needed."`
	List     listCmd     `cmd:"" help:"List the connectors of the catalog."`
	Show     showCmd     `cmd:"" help:"Show one connector of the catalog and its options."`
	Validate validateCmd `cmd:"" help:"Check a connector's config file against the catalog alone; nothing is run."`
	Verify   verifyCmd   `cmd:"" help:"Recheck a catalog from its bytes alone, and programs against it."`
	Key      keyCmd      `cmd:"" help:"Make a key to sign catalogs with; print what verifies them."`
	Sign     signCmd     `cmd:"" help:"Sign a catalog."`
	Release  releaseCmd  `cmd:"" help:"Build the connectors and patchbay for every platform, with SHA256SUMS."`
	Image    imageCmd    `cmd:"" help:"Build a multi-arch image of connectors and of patchbay."`
	Publish  publishCmd  `cmd:"" help:"Push the images to a registry."`
	New      newCmd      `cmd:"" help:"Start a connector: a folder that builds, passes its tests and is published at once."`
	Serve    serveCmd    `cmd:"" help:"Serve the catalog's site on this machine."`
}

// streams are where commands write.
type streams struct{ out, err io.Writer }

// Run parses and runs a command line and returns the exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var (
		c      cli
		exited = -1
	)
	parser, err := kong.New(&c, kong.Name("catalogen"), kong.UsageOnError(),
		kong.Description("Turns a repository of connectors into a catalog that people can trust."),
		kong.Vars{"today": time.Now().UTC().Format(time.DateOnly)}, kong.Writers(stdout, stderr), kong.Exit(func(status int) { exited = status }))
	if err != nil {
		fmt.Fprintf(stderr, "catalogen: %v\n", err)
		return failed
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help has printed what it had to
	}
	if err != nil {
		fmt.Fprintf(stderr, "catalogen: %s; see catalogen --help\n", finding.Printable(err.Error()))
		return usage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(streams{stdout, stderr})
	switch {
	case err == nil:
		return ok
	case errors.Is(err, errFailed):
		return failed
	case errors.Is(err, errInvalid):
		return usage
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "catalogen: %s\n", finding.Printable(err.Error()))
		return usage
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "catalogen: interrupted"+consequence(parsed.Command()))
		return interrupted
	}
	fmt.Fprintf(stderr, "catalogen: %s\n", finding.Printable(err.Error()))
	return failed
}

// consequence tells what an interrupted command has done. Those that run connectors write once all is proved, without a stop.
func consequence(command string) string {
	switch name, _, _ := strings.Cut(command, " "); name {
	case "generate", "check", "diff", "test":
		return "; nothing was written"
	}
	return ""
}

// rootFlag is embedded by every command that reads a repository.
type rootFlag struct {
	Root string `help:"Folder of the repository." default:"." type:"existingdir" placeholder:"DIR"`
}

// work is embedded by the commands that run connectors.
type work struct {
	rootFlag
	Bin     string `help:"Folder for the built programs (default: bin in the repository)." placeholder:"DIR"`
	Jobs    int    `help:"Connectors at a time (default: one for each core)." placeholder:"N"`
	NoCache bool   `help:"Run everything again, and keep nothing in the local cache."`

	Limits limits    `embed:"" prefix:"limit-"`
	Today  time.Time `hidden:"" format:"2006-01-02" default:"${today}"` // for tests, which know one day only
}

// config turns the flags into what the pipeline wants.
func (w work) config(watch pipeline.Watcher) (pipeline.Config, error) {
	c := pipeline.Config{Jobs: w.Jobs, Bin: w.Bin, Watch: watch, Today: w.Today, Limits: w.Limits.bytes()}
	var err error
	if c.Root, err = filepath.Abs(w.Root); err != nil {
		return c, err
	}
	if c.Root, err = filepath.EvalSymlinks(c.Root); err != nil {
		return c, err
	}
	if c.Bin == "" {
		c.Bin = filepath.Join(c.Root, "bin")
	}
	if c.Bin, err = filepath.Abs(c.Bin); err != nil {
		return c, err
	}
	if c.Jobs == 0 {
		c.Jobs = runtime.NumCPU()
	}
	if c.Jobs < 0 {
		return c, fmt.Errorf("%w: --jobs must be at least 1", errUsage)
	}
	c.Catalog = filepath.Join(c.Root, "catalog")
	if !w.NoCache {
		c.Cache, err = evidence.OpenCache()
	}
	return c, err
}

// board makes the progress display for a stream.
func board(out io.Writer) *progress.Board {
	width, height := 0, 0
	if terminal(out) {
		if columns, lines, err := term.GetSize(int(out.(*os.File).Fd())); err == nil {
			width, height = columns, lines
		}
	}
	return progress.New(out, width, height)
}

// terminal tells whether a stream is a terminal.
func terminal(out io.Writer) bool {
	f, isFile := out.(*os.File)
	return isFile && term.IsTerminal(int(f.Fd()))
}
