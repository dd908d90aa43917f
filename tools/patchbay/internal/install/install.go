// Package install installs connectors by the manifests of c1, and trusts them with nothing unseen: what is fetched can be
// pinned, every command is shown and confirmed before it runs, and commands run without a shell unless that was confirmed too.
package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Files and folders of an installed connector, in a folder of its name.
const (
	sourceFolder = "source"        // what was fetched; commands run here
	manifestFile = "manifest.json" // what it was installed by
	launcher     = "run"           // a script that starts the connector
)

// An Installer installs below a folder. One goroutine uses it.
type Installer struct {
	Root           string    // holds a folder for each connector; made if need be
	Stdout, Stderr io.Writer // what commands print goes there
	// Confirm asks somebody who has seen the plan, which was printed on Stdout. shell says that a part of it is for a shell to
	// run. It may block.
	Confirm func(name string, shell bool) (bool, error)
}

// ErrDeclined says that nobody has confirmed the plan, so that nothing was done.
var ErrDeclined = errors.New("nothing was done")

// A UsageError says that what is asked for makes no sense. Nothing was done.
type UsageError struct{ Reason error }

// Unwrap returns the reason.
func (u *UsageError) Unwrap() error { return u.Reason }

// Error gives the reason.
func (u *UsageError) Error() string { return u.Reason.Error() }

// Install fetches a connector and runs its install command, or brings an installed one up to date. It blocks until that is
// done or ctx ends. After a failure nothing of a new connector is left, and an old one is as it was, unless the error says
// that its update broke off halfway.
func (i *Installer) Install(ctx context.Context, m *Manifest, update bool) error {
	dir, err := i.folder(m.Name)
	if err != nil {
		return err
	}
	_, err = os.Lstat(dir)
	switch exists := err == nil; {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case exists && !update:
		return &UsageError{fmt.Errorf("%s is installed already; --update brings it up to date, --name installs it once more", m.Name)}
	case !exists && update:
		return &UsageError{fmt.Errorf("%s is not installed; leave --update out", m.Name)}
	}
	source := filepath.Join(dir, sourceFolder)
	inPlace := update && (m.update() != "" || m.Source == fromVCS)
	if m.Source == fromVCS && !isClone(source) { // it was fetched another way: git would change a repository above it
		inPlace = false
	}
	p, err := newPlan(m, source, inPlace)
	if err != nil {
		return err
	}
	p.print(i.Stdout)
	if ok, err := i.Confirm(m.Name, p.shell()); err != nil {
		return err
	} else if !ok {
		return ErrDeclined
	}
	if err := os.MkdirAll(i.Root, 0o700); err != nil {
		return err
	}
	switch {
	case inPlace:
		if err := i.run(ctx, p); err != nil {
			return fmt.Errorf("%w; %s may be updated by half: try again, or remove and install it", err, m.Name)
		}
		return finish(dir, m)
	case update:
		return i.replace(dir, func() error { return i.fresh(ctx, dir, p) })
	}
	return i.fresh(ctx, dir, p)
}

// isClone reports whether a folder is the top of a Git repository.
func isClone(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ".git"))
	return err == nil
}

// folder is where a connector is or will be.
func (i *Installer) folder(name string) (string, error) {
	if !nameForm.MatchString(name) {
		return "", &UsageError{fmt.Errorf("%q is no name for a folder; choose one of letters, digits, spaces, dots, - and _ with --name", name)}
	}
	return filepath.Join(i.Root, name), nil
}

// fresh installs into a folder that it makes, and that it removes after a failure.
func (i *Installer) fresh(ctx context.Context, dir string, p *plan) (err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := i.run(ctx, p); err != nil {
		return err
	}
	return finish(dir, p.manifest)
}

// replace puts a folder aside while another one takes its place, and back if that fails.
func (i *Installer) replace(dir string, install func() error) error {
	aside, err := os.MkdirTemp(i.Root, ".old-*")
	if err != nil {
		return err
	}
	old := filepath.Join(aside, "old")
	if err := os.Rename(dir, old); err != nil {
		return errors.Join(err, os.Remove(aside))
	}
	if err := install(); err != nil {
		if back := os.Rename(old, dir); back != nil {
			return errors.Join(err, fmt.Errorf("the old one is in %s now: %w", old, back))
		}
		return errors.Join(err, os.Remove(aside))
	}
	return os.RemoveAll(aside)
}

// finish writes what is kept beside the source.
func finish(dir string, m *Manifest) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, manifestFile), append(data, '\n'), 0o600); err != nil {
		return err
	}
	script := fmt.Sprintf("#!/bin/sh\n# Starts %s, as a c1 host does.\ncd %s && exec sh -c %s\n",
		m.Name, quote(filepath.Join(dir, sourceFolder)), quote(m.Command))
	path := filepath.Join(dir, launcher)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		return err
	}
	return os.Chmod(path, 0o700) // that of an older one, perhaps
}

// quote makes text one word for a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Launcher is the path of the script that starts an installed connector.
func (i *Installer) Launcher(name string) string { return filepath.Join(i.Root, name, launcher) }

// List returns the manifests of what is installed, in the order of the names.
func (i *Installer) List() ([]*Manifest, error) {
	entries, err := os.ReadDir(i.Root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []*Manifest
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		m, err := ReadManifest(filepath.Join(i.Root, e.Name(), manifestFile))
		if err != nil {
			return nil, fmt.Errorf("%s is damaged; --remove it: %w", e.Name(), err)
		}
		all = append(all, m)
	}
	return all, nil
}

// Remove removes an installed connector.
func (i *Installer) Remove(name string) error {
	dir, err := i.folder(name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); err != nil {
		return &UsageError{fmt.Errorf("%s is not installed", name)}
	}
	return os.RemoveAll(dir)
}
