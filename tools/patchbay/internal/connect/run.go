package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/observe"
	natstopic "github.com/patchbay-dev/patchbay/internal/transport/nats"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/connector"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/host"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/scratch"
)

// Options are what a run takes from its process.
type Options struct {
	Config string   // the argument: steps, YAML, base64
	Env    []string // the environment, as os.Environ gives it
	Dirs   []string // where connectors are, in the order in which to look
	Stdout *os.File // gets what a sink prints; nil drops it
	Stderr io.Writer
}

// A runtime is one run.
type runtime struct {
	surroundings
	steps   *steps
	dirs    []string
	env     []string // the connector's
	scratch string   // a folder of our own, which is removed at the end
	log     *slog.Logger
	stdout  *os.File
	stderr  io.Writer
	servers []*server
	began   bool // everything is open, and the connector runs or has run
}

// Run runs the connector that the configuration describes, until it has ended by itself, fails for good, or ctx ends and
// what is under way is finished. It blocks. No error holds a secret.
func Run(ctx context.Context, o Options) (err error) {
	s, err := parse(o.Config)
	if err != nil {
		return err
	}
	env, err := environ(getenv(o.Env))
	if err != nil {
		return err
	}
	r := &runtime{
		surroundings: env, steps: s, dirs: o.Dirs, env: childEnv(o.Env), stdout: o.Stdout, stderr: o.Stderr,
		log: observe.NewLogger(o.Stderr, env.LogLevel, "text").With("instance", env.Instance),
	}
	folder, err := scratch.New("connect")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Remove()) }()
	r.scratch = folder.Path
	defer func() {
		for _, s := range r.servers {
			s.Close()
		}
	}()
	if s.Source != nil {
		err = r.inlet(ctx)
	} else {
		err = r.outlet(ctx)
	}
	if ctx.Err() != nil && !r.began { // the start was broken off
		return nil
	}
	return err
}

// getenv looks variables up in a list.
func getenv(env []string) func(string) string {
	return func(name string) string {
		for _, v := range env {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// instance finds the connector of a component and has it check its options.
func (r *runtime) instance(ctx context.Context, c *component, side metadata.Direction, topic string) (host.Instance, error) {
	program, err := r.find(ctx, c.Type, side)
	if err != nil {
		return host.Instance{}, fmt.Errorf("%s.type: %w", side, err)
	}
	options, err := c.options()
	if err != nil {
		return host.Instance{}, fmt.Errorf("%s.config.%w", side, err)
	}
	readNumbers(options, program.Options)
	if _, given := options["log-level"]; !given && program.Offers("log-level") {
		options["log-level"] = r.LogLevel
	}
	name := legal(strings.TrimLeft(r.Connector, "-_"))
	if r.Connector == "" {
		name = filepath.Base(program.Path) + "-" + digest(topic)
	}
	file, err := program.Configure(ctx, r.env, r.scratch, name, options)
	if refused := (*connector.Refused)(nil); errors.As(err, &refused) {
		// All of it stands in one line of a file that nobody has seen.
		problems := strings.NewReplacer("the configuration:1: ", "", " (the configuration:1)", "").Replace(strings.Join(refused.Problems, "; "))
		return host.Instance{}, fmt.Errorf("%s.config: %s", side, problems)
	}
	if err != nil {
		return host.Instance{}, err
	}
	return host.Instance{
		Program: program, Env: r.env, Name: name, Config: file, Topic: topic, Log: r.log, Stdout: r.stdout,
		Stderr: func(line string) { fmt.Fprintln(r.stderr, connector.OneLine(line)) },
	}, nil
}

// find returns the program of a type, which is a connector's name with or without its ending; underscores count as hyphens,
// since names on the platform have none.
func (r *runtime) find(ctx context.Context, typ string, side metadata.Direction) (*connector.Program, error) {
	if typ == "" {
		return nil, errors.New("missing")
	}
	name := strings.ReplaceAll(typ, "_", "-")
	if strings.ContainsRune(name, filepath.Separator) {
		return nil, errors.New("give the name of a connector, not a path")
	}
	ending := "-" + string(side)
	if !r.has(name) && (r.has(name+ending) || !strings.HasSuffix(name, ending)) {
		name += ending
	}
	finder := connector.Finder{Dirs: r.dirs, Env: r.env, Fix: "PATCHBAY_BIN_DIR names another folder"}
	p, err := finder.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	if p.Direction != "" && p.Direction != side {
		return nil, fmt.Errorf("%s is a %s", name, p.Direction)
	}
	return p, nil
}

// has reports whether there is a connector of a name.
func (r *runtime) has(name string) bool {
	for _, dir := range r.dirs {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// connect dials the NATS of a step, and opens there what ready opens.
func (r *runtime) connect(ctx context.Context, step *natsConfig, name string, ready func(context.Context, *server) error) (*server, natstopic.Config, error) {
	login, err := r.login(step)
	if err != nil {
		return nil, natstopic.Config{}, err
	}
	access, err := keys(r.scratch, fmt.Sprintf("keys-%d", len(r.servers)), login)
	if err != nil {
		return nil, natstopic.Config{}, err
	}
	s, err := dial(ctx, login, access, name, r.log, ready)
	if err != nil {
		return nil, natstopic.Config{}, err
	}
	r.servers = append(r.servers, s)
	return s, natstopic.Config{URL: login.URL, Access: access, Topic: "connect", Name: name, Connector: "patchbay-connect", Logger: r.log}, nil
}

// transformer makes the chain of the steps.
func (r *runtime) transformer(ctx context.Context, c *component, data *natsConfig, i host.Instance) (*chain, error) {
	b := builder{subject: i.Topic, onError: c.option("on-error"), log: r.log, dial: func(step *natsConfig) (*nats.Conn, error) {
		if step == nil {
			step = data
		}
		s, _, err := r.connect(ctx, step, i.Name, nil)
		if err != nil {
			return nil, err
		}
		return s.Conn, nil
	}}
	return b.chain(r.steps.Transformer)
}
