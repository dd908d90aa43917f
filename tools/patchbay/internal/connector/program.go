// Package connector knows the executables of connectors: where they are, what they say of themselves, and whether they accept
// their options.
package connector

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/common/metadata"
)

// askTimeout is how long a program may take to answer a question.
const askTimeout = 30 * time.Second

// maxAnswer is how much of an answer is read.
const maxAnswer = 4 << 20

// A Program is the executable of a connector.
type Program struct {
	Path      string
	Version   string             // empty if it does not say
	Direction metadata.Direction // empty if it does not say
	Options   map[string]Option  // its flat options by all their names; nil if it does not say
	// Args are arguments that come first when the program is asked to validate: those it will be run with. Finder leaves them empty.
	Args []string

	commands []string // its subcommands; nil if it does not say
}

// A Finder finds the programs of connectors, and asks each once what it is. One goroutine at a time may use it.
type Finder struct {
	Dirs []string // where connectors are, in the order in which to look
	Env  []string // the environment of the programs; that of this process if nil
	// Fix tells whoever names a connector that is not there what else there is to do; empty stands for the flag --bin.
	Fix   string
	known map[string]*Program
}

// Find returns the program that a type names: one of a connector in the folders, or the one at a path.
func (f *Finder) Find(ctx context.Context, typ string) (*Program, error) {
	path := typ
	if !strings.ContainsRune(typ, filepath.Separator) {
		var err error
		if path, err = f.look(typ); err != nil {
			return nil, err
		}
	}
	if p := f.known[path]; p != nil {
		return p, nil
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("there is no program %s", path)
	} else if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return nil, fmt.Errorf("%s is no program: make it executable", path)
	}
	p := &Program{Path: path}
	p.introduce(ctx, f.Env)
	if f.known == nil {
		f.known = map[string]*Program{}
	}
	f.known[path] = p
	return p, nil
}

// look finds a connector by its name.
func (f *Finder) look(name string) (string, error) {
	var names []string
	for _, dir := range f.Dirs {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), "-source") || strings.HasSuffix(e.Name(), "-sink") {
				names = append(names, e.Name())
			}
		}
	}
	fix := cmp.Or(f.Fix, "--bin DIR names another folder, and a path with a / a program")
	if nearest := config.Nearest(name, names); nearest != "" {
		fix = "did you mean " + nearest + "? " + fix
	}
	return "", fmt.Errorf("there is no connector %s in %s; %s", name, strings.Join(f.Dirs, " or "), fix)
}

// introduce asks a program for its metadata. A program in another language need not have any.
func (p *Program) introduce(ctx context.Context, env []string) {
	answer, _, err := p.ask(ctx, env, "metadata")
	var doc metadata.Document
	if err != nil || json.Unmarshal(answer, &doc) != nil {
		return
	}
	p.Version, p.Direction = doc.Version, metadata.Direction(strings.ToLower(string(doc.Direction)))
	for _, c := range doc.Commands {
		p.commands = append(p.commands, c.Name)
	}
	p.Options = ReadOptions(doc.Schema)
}

// ask runs a program with arguments and returns what it prints.
func (p *Program) ask(ctx context.Context, env []string, args ...string) (stdout, stderr []byte, err error) {
	timed, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := exec.CommandContext(timed, p.Path, args...)
	cmd.Env, cmd.WaitDelay = env, time.Second
	out, errs := &limited{max: maxAnswer}, &limited{max: maxAnswer}
	cmd.Stdout, cmd.Stderr = out, errs
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%s %s was stopped before it had answered", filepath.Base(p.Path), args[0])
	case timed.Err() != nil:
		err = fmt.Errorf("%s %s gave no answer within %s", filepath.Base(p.Path), args[0], askTimeout)
	}
	return out.Bytes(), errs.Bytes(), err
}

// limited is a buffer that drops what is too much.
type limited struct {
	bytes.Buffer
	max int
}

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	l.Buffer.Write(b[:min(len(b), max(l.max-l.Len(), 0))])
	return len(b), nil
}

// Validate asks a program what is wrong with the config file at path, which it reads in place of the one at shown. It
// returns one line for each problem.
func (p *Program) Validate(ctx context.Context, env []string, name, path, shown string) []string {
	_, stderr, err := p.ask(ctx, env, p.question("validate", name, path)...)
	if err == nil {
		return nil
	}
	return p.problems(stderr, err, path, shown)
}

// question is the command line of a command that reads a config file.
func (p *Program) question(command, name, path string) []string {
	return slices.Concat(p.Args, []string{command, "--topic", "-", "--acks", "--name", name, "--config", path})
}

// problems are what a program has said on standard error before it failed with err, one line each, about the config file at
// path, which is called shown.
func (p *Program) problems(stderr []byte, err error, path, shown string) []string {
	var problems []string
	for line := range strings.Lines(string(stderr)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), filepath.Base(p.Path)+": ")
		if line != "" {
			problems = append(problems, OneLine(withoutColumn(line, path, shown)))
		}
	}
	if exit := (*exec.ExitError)(nil); len(problems) == 0 || !errors.As(err, &exit) {
		problems = append(problems, err.Error())
	}
	return problems
}

// withoutColumn puts the name of one file in the place of another's, and drops the columns: only lines are the same in both.
func withoutColumn(line, path, shown string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(line, path)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString(shown)
		if number, rest, ok := digits(after); ok {
			b.WriteString(":" + number)
			if _, more, ok := digits(rest); ok {
				rest = more
			}
			after = rest
		}
		line = after
	}
}

// Offers reports whether a program has an option.
func (p *Program) Offers(option string) bool {
	_, ok := p.Options[option]
	return ok
}

// Saving returns the flag that has a sink save at path what its transforms aggregate. There is none for a program that has no such
// option.
func (p *Program) Saving(path string) []string {
	if !p.Options["state"].Shared {
		return nil
	}
	return []string{"--state", "file:" + path}
}

// digits cuts a colon and a number off a text.
func digits(text string) (number, rest string, ok bool) {
	after, found := strings.CutPrefix(text, ":")
	rest = strings.TrimLeft(after, "0123456789")
	number = after[:len(after)-len(rest)]
	return number, rest, found && number != ""
}
