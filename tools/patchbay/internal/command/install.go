package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/install"
)

type installCommand struct {
	Manifest   string `arg:"" optional:"" help:"The manifest, a JSON file."`
	Name       string `help:"Name to install it under. Default: that of the manifest."`
	Update     bool   `help:"Bring an installed connector up to date."`
	Yes        bool   `help:"Do what the plan shows without asking, as long as it needs no shell."`
	AllowShell bool   `help:"With --yes, also run commands that only a shell understands."`
	List       bool   `help:"List what is installed, and how to start it."`
	Remove     string `placeholder:"NAME" help:"Remove an installed connector."`
}

// Validate is called by kong; what it finds is wrong usage.
func (c *installCommand) Validate() error {
	does := 0
	for _, given := range []bool{c.Manifest != "", c.List, c.Remove != ""} {
		if given {
			does++
		}
	}
	switch {
	case does != 1:
		return errors.New("name a manifest, or --list, or --remove NAME")
	case c.AllowShell && !c.Yes:
		return errors.New("--allow-shell goes with --yes; without it you are asked")
	}
	return nil
}

// Run installs, lists or removes connectors.
func (c *installCommand) Run(ctx context.Context, s Surroundings) error {
	root, err := installFolder(s)
	if err != nil {
		return err
	}
	i := &install.Installer{Root: root, Stdout: s.Stdout, Stderr: s.Stderr, Confirm: c.confirm(s)}
	switch {
	case c.List:
		return list(i, s)
	case c.Remove != "":
		err = i.Remove(c.Remove)
	default:
		err = c.install(ctx, i, s)
	}
	if wrong := (*install.UsageError)(nil); errors.As(err, &wrong) {
		return &usageError{wrong}
	}
	return err
}

func (c *installCommand) install(ctx context.Context, i *install.Installer, s Surroundings) error {
	m, err := install.ReadManifest(c.Manifest)
	if err != nil {
		return &usageError{err}
	}
	if c.Name != "" {
		m.Name = c.Name
	}
	if err := i.Install(ctx, m, c.Update); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Stdout, "%s is installed; a host starts it with %s\n", m.Name, i.Launcher(m.Name))
	return err
}

// confirm asks on the terminal, where there is one and --yes does not answer.
func (c *installCommand) confirm(s Surroundings) func(string, bool) (bool, error) {
	return func(name string, shell bool) (bool, error) {
		if c.Yes && (!shell || c.AllowShell) {
			return true, nil
		}
		question := "Install " + name + " like this? [y/N] "
		fix := "confirm it with --yes"
		if shell {
			question = "A shell is to run commands of this manifest, which can do anything that you can. Go on? [y/N] "
			fix = "a shell is to run commands; confirm them with --yes --allow-shell"
		}
		if !term.IsTerminal(int(os.Stdin.Fd())) {
			return false, &install.UsageError{Reason: errors.New("nothing was done: " + fix)}
		}
		fmt.Fprint(s.Stdout, question)
		answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
		answer = strings.ToLower(strings.TrimSpace(answer))
		return err == nil && (answer == "y" || answer == "yes"), nil
	}
}

func list(i *install.Installer, s Surroundings) error {
	all, err := i.List()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(s.Stdout, 0, 0, 2, ' ', 0)
	for _, m := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", m.Name, m.Source, connector.OneLine(m.URI), i.Launcher(m.Name))
	}
	return t.Flush()
}

// installFolder is where connectors are installed.
func installFolder(s Surroundings) (string, error) {
	dir := userFolder(s, "XDG_DATA_HOME", ".local/share")
	if dir == "" {
		return "", errors.New("neither XDG_DATA_HOME nor HOME is set, so there is no place to install to")
	}
	return filepath.Join(dir, "patchbay", "installed"), nil
}
