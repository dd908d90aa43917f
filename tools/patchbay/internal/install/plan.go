package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/words"
)

// A plan is everything that an installation will do, so that it can be shown first.
type plan struct {
	manifest *Manifest
	source   string // the folder of what is fetched
	fetch    bool
	steps    []step
}

// A step is a command of the manifest, or of ours.
type step struct {
	title string
	argv  []string
	shell bool // a shell reads it
}

// newPlan plans a fresh installation, or an update in place.
func newPlan(m *Manifest, source string, inPlace bool) (*plan, error) {
	p := &plan{manifest: m, source: source, fetch: !inPlace}
	var err error
	add := func(title, line string) {
		if line == "" || err != nil {
			return
		}
		var s step
		s, err = newStep(title, line)
		p.steps = append(p.steps, s)
	}
	commit, digestErr := m.digest()
	if digestErr != nil {
		return nil, digestErr
	}
	switch {
	case !inPlace:
	case m.update() != "":
		add("update", m.update())
		return p, err
	case commit != "":
		fetch := []string{"git", "fetch", "--quiet", m.URI, "+refs/heads/*:refs/remotes/origin/*"}
		p.steps = append(p.steps, step{title: "update", argv: fetch}, checkout(commit))
	default:
		p.steps = append(p.steps, step{title: "update", argv: []string{"git", "pull", "--quiet", "--ff-only", m.URI}})
	}
	add("install", m.InstallCommand)
	return p, err
}

// shells are programs that read a command line from an argument.
var shells = []string{"sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "busybox", "env", "xargs", "eval"}

// newStep makes words of a command line, or leaves it to a shell where only one would understand it.
func newStep(title, line string) (step, error) {
	argv, plain, err := words.Split(strings.TrimSpace(line))
	switch {
	case err != nil:
		return step{}, fmt.Errorf("%s_command: %w", title, err)
	case plain && len(argv) > 0 && !slices.Contains(shells, filepath.Base(argv[0])):
		return step{title: title, argv: argv}, nil
	}
	return step{title: title, argv: []string{"sh", "-c", line}, shell: true}, nil
}

// shell reports whether a part of the plan is for a shell to run.
func (p *plan) shell() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.shell })
}

// print shows the plan. Nothing of the manifest can do more to a terminal than to be read.
func (p *plan) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(title, text string) { fmt.Fprintf(t, "%s\t%s\n", title, connector.OneLine(text)) }
	m := p.manifest
	line("name", m.Name)
	if m.Description != "" {
		line("description", m.Description)
	}
	line("folder", filepath.Dir(p.source))
	if p.fetch {
		pin := m.Digest
		if pin == "" && m.Source != fromLocal {
			pin = "not pinned: whoever serves it decides what it is"
		}
		line("fetch", strings.TrimSuffix(fmt.Sprintf("%s %s (%s)", m.Source, m.URI, pin), " ()"))
	}
	for _, s := range p.steps {
		text := show(s.argv)
		if s.shell {
			text += "   (by a shell)"
		}
		line(s.title, text)
	}
	line("start", m.Command+"   (by a shell, when a host starts it)")
	_ = t.Flush()
}

// show writes words so that a shell would read them as such.
func show(argv []string) string {
	shown := make([]string, len(argv))
	for i, word := range argv {
		shown[i] = word
		if split, plain, err := words.Split(word); err != nil || !plain || len(split) != 1 || split[0] != word {
			shown[i] = quote(word)
		}
	}
	return strings.Join(shown, " ")
}

// run carries the plan out.
func (i *Installer) run(ctx context.Context, p *plan) error {
	if p.fetch {
		if err := i.fetch(ctx, p.manifest, p.source); err != nil {
			return fmt.Errorf("fetch %s: %w", p.manifest.URI, err)
		}
	}
	for _, s := range p.steps {
		if err := i.command(ctx, p.source, s.argv...); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
	}
	return nil
}

// command runs a program in a folder. When ctx ends it is asked to end, and killed if it does not.
func (i *Installer) command(ctx context.Context, dir string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, i.Stdout, i.Stderr
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "PWD="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		err = errors.New("it was stopped")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", connector.OneLine(show(argv)), err)
	}
	return nil
}
