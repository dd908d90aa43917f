package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/scratch"
)

// Options are what Load needs.
type Options struct {
	Dirs       []string // where connectors are, in the order in which to look
	Env        []string // the environment of the connectors; that of this process if nil
	LogLevel   string   // of the connectors; empty leaves it to them
	LogFormat  string   // text or json
	Once       bool     // sources make one pass over what is there
	MaxRecords int      // sources end after as many records are delivered; 0 means no limit
	Limits     Limits
}

// A Pipeline is one that was found to be valid.
type Pipeline struct {
	Name string

	options      Options
	letters      string // file of dead letters; may be empty
	source, sink half
}

// A half is one side of a Pipeline.
type half struct {
	program *connector.Program
	config  []byte
	decides bool // it says itself where its state is saved
}

// An Invalid error lists what is wrong with pipelines, one line each.
type Invalid struct{ Problems []string }

// Error gives the problems, one a line.
func (e *Invalid) Error() string { return strings.Join(e.Problems, "\n") }

// Load reads pipeline files, and those of folders, and has the connectors check their options. It starts nothing that goes
// on. The error is an *Invalid with everything that is wrong with any of them, or the cause of ctx.
func Load(ctx context.Context, paths []string, o Options) ([]*Pipeline, error) {
	files, problems := expand(paths)
	l := loader{finder: connector.Finder{Dirs: o.Dirs, Env: o.Env}, options: o, problems: problems}
	folder, err := scratch.New("run")
	if err != nil {
		return nil, err
	}
	defer folder.Remove() // what is left, the next start removes
	var all []*Pipeline
	named := map[string]string{}
	for _, file := range files {
		p := l.load(ctx, file, folder.Path)
		if p == nil {
			continue
		}
		if other, ok := named[p.Name]; ok {
			l.problem("%s: the name %s is that of the pipeline in %s; give one of them another", file, p.Name, other)
		}
		named[p.Name] = file
		all = append(all, p)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if len(l.problems) > 0 {
		return nil, &Invalid{l.problems}
	}
	return all, nil
}

// expand replaces folders by the pipeline files in them.
func expand(paths []string) (files, problems []string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			files = append(files, path) // reading it tells what is wrong with it
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		n := len(files)
		for _, e := range entries {
			if slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(e.Name())) && !strings.HasPrefix(e.Name(), ".") {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
		if len(files) == n {
			problems = append(problems, path+": there is no pipeline file in this folder: no *.yaml, *.yml or *.json")
		}
	}
	return files, problems
}

type loader struct {
	finder   connector.Finder
	options  Options
	problems []string
}

func (l *loader) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// load reads and checks one file; nil means that it has said what is wrong.
func (l *loader) load(ctx context.Context, file, dir string) *Pipeline {
	before := len(l.problems)
	read, err := config.ReadPipeline(file, config.Env{})
	if invalid := (*config.Error)(nil); errors.As(err, &invalid) {
		for _, p := range invalid.Problems {
			l.problem("%v", p)
		}
	}
	if read == nil {
		return nil
	}
	p := &Pipeline{Name: read.Name, options: l.options, letters: read.DeadLetter}
	p.source = l.half(ctx, read, read.Source, metadata.Source, dir)
	p.sink = l.half(ctx, read, read.Sink, metadata.Sink, dir)
	if len(l.problems) > before {
		return nil
	}
	return p
}

// half checks one side. A side whose type is missing has been reported.
func (l *loader) half(ctx context.Context, read *config.Pipeline, side config.Side, goes metadata.Direction, dir string) (h half) {
	if side.Type == "" {
		return h
	}
	where := fmt.Sprintf("%s:%d: %s: ", read.Path, side.Line, goes)
	p, err := l.finder.Find(ctx, side.Type)
	if err != nil {
		l.problem("%s%v", where, err)
		return h
	}
	if p.Direction != "" && p.Direction != goes {
		l.problem("%s%s is a %s", where, filepath.Base(p.Path), p.Direction)
		return h
	}
	if l.options.Once && goes == metadata.Source && !p.Offers("once") {
		l.problem("%s%s does not know --once", where, filepath.Base(p.Path))
	}
	if l.options.MaxRecords > 0 && goes == metadata.Source && !p.Offers("max-records") {
		l.problem("%s%s does not know --max-records", where, filepath.Base(p.Path))
	}
	named := !strings.ContainsRune(side.Type, filepath.Separator)
	h = half{program: p, config: side.JSON(named, l.parameters(p, side, goes))}
	_, h.decides = side.Option("state")
	path := filepath.Join(dir, string(goes)+".json")
	if err := os.WriteFile(path, h.config, 0o600); err != nil {
		l.problem("%s%v", where, err)
		return h
	}
	for _, problem := range p.Validate(ctx, l.finder.Env, nameOf(read), path, read.Path) {
		l.problem("%s%s: %s", where, filepath.Base(p.Path), problem)
	}
	if value, _ := side.Option("on-error"); value == "dead-letter" && read.DeadLetter == "" {
		l.problem("%son-error dead-letter needs a file to keep the records in; write dead_letter: {file: PATH} at the top", where)
	}
	return h
}

// nameOf is the name to check a side with.
func nameOf(p *config.Pipeline) string {
	if p.Name == "" {
		return "pipeline"
	}
	return p.Name
}

// parameters are what the command line says to a side. Logging and the time to stop are left as the file says.
func (l *loader) parameters(p *connector.Program, side config.Side, goes metadata.Direction) map[string]any {
	o := l.options
	all := map[string]any{}
	add := func(name string, value any, wanted, replace bool) {
		if _, given := side.Option(name); wanted && p.Offers(name) && (replace || !given) {
			all[name] = value
		}
	}
	add("once", true, o.Once, true)
	add("max-records", o.MaxRecords, o.MaxRecords > 0 && goes == metadata.Source, true)
	add("log-format", o.LogFormat, o.LogFormat == "json", false)
	add("log-level", o.LogLevel, o.LogLevel != "", false)
	add("shutdown-timeout", o.Limits.ShutdownTimeout.String(), o.Limits.ShutdownTimeout > 0, false)
	return all
}
