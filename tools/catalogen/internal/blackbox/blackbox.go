// Package blackbox examines a connector's program from outside, in whatever language it is written: whether its parser and
// its schema accept the same values, whether help, completion, environment and config file know the same options, and
// whether a secret ever comes out. What it finds is evidence like the connector's own tests.
package blackbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

const (
	batchDeadline = 2 * time.Minute
	maxOutput     = 64 << 20
)

// A tempo is how long the gate waits for what. Tests have more time.
type tempo struct {
	patience time.Duration // for a program to end
	// pause is how long the driver leaves out what a connector should wait for. One that does not wait may need longer to
	// show it, and passes then: no verdict against a connector depends on speed.
	pause time.Duration
	quiet time.Duration // nothing comes for so long, so the driver ends a run that has nothing more to show
}

var usual = tempo{patience: 10 * time.Second, pause: 30 * time.Millisecond, quiet: 300 * time.Millisecond}

// A Target is the program to examine.
type Target struct {
	Argv    []string // the program and what comes first on its command line
	Env     []string // the whole environment in which it runs
	Subject rules.Subject
	Scratch string // an empty folder for files, of this target alone
}

// examiner is a target with what the suites share.
type examiner struct {
	Target
	notebook
	profile Profile
	doc     metadata.Document
	options map[string]property
	base    document // valid by the schema, and for the program
	trials  []trial
	judged  map[string]verdict // what the program says of the trials, by their text
	samples samples
	nowhere silence
	tempo

	mu     sync.Mutex
	starts int
	cpu    time.Duration
}

// Examine holds a program against every rule of a profile. It blocks until the program has been run some dozens of times,
// on all cores. The error is about the machine or ctx.
func Examine(ctx context.Context, t Target, p Profile) (Report, error) {
	nowhere, err := newSilence()
	if err != nil {
		return Report{}, err
	}
	defer nowhere.Close()
	x := &examiner{Target: t, notebook: notebook{}, profile: p, doc: t.Subject.Document, nowhere: nowhere, tempo: usual}
	x.options = readProperties(t.Subject.Options, t.Subject.Compiled)
	if err := x.examine(ctx); err != nil {
		return Report{}, err
	}
	return Report{Document: x.doc, Profile: p, Results: x.results(p), Starts: x.starts, CPU: x.cpu}, nil
}

// examine runs every suite. Where no options are known that work, only those that need none.
func (x *examiner) examine(ctx context.Context) error {
	problem, err := x.findBase(ctx)
	if err != nil {
		return err
	}
	x.note(optionsValid, "", problem)
	suites := []func(context.Context) error{x.metadata, x.surface}
	if problem == "" {
		x.trials = x.makeTrials()
		suites = append(suites, x.parity, x.doors, x.former, x.unknown, x.discover, x.secrets, x.realRun, x.link)
	}
	for _, suite := range suites {
		if err := suite(ctx); err != nil {
			return err
		}
	}
	return nil
}

// thrift spares programs in Go the collection of garbage, which is a fifth of what such short runs cost. The limit bounds
// what a long one may take.
var thrift = []string{"GOGC=off", "GOMEMLIMIT=256MiB"}

// spec says how to run the program with some more in its environment.
func (x *examiner) spec(env, args []string, stdin io.Reader) proc.Spec {
	return proc.Spec{
		Argv: slices.Concat(x.Argv, args), Dir: x.Scratch, Env: slices.Concat(x.Env, thrift, env), Stdin: stdin,
		Deadline: x.patience, MaxStdout: maxOutput, MaxStderr: maxOutput,
	}
}

// exec runs the program to its end and adds up what that costs.
func (x *examiner) exec(ctx context.Context, s proc.Spec) (proc.Result, error) {
	result, err := proc.Run(ctx, s)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.starts++
	x.cpu += result.CPU
	return result, err
}

// start runs the program to its end. What kills it is told in the result as status -1 and on stderr, because a program that
// hangs or dies has failed the rule for which it was run. The error is about the machine or ctx.
func (x *examiner) start(ctx context.Context, s proc.Spec) (proc.Result, error) {
	result, err := x.exec(ctx, s)
	switch {
	case ctx.Err() != nil:
		return result, ctx.Err()
	case errors.Is(err, proc.ErrIsolation):
		return result, err
	case err != nil:
		result.Status = -1
		result.Stderr = append(result.Stderr, err.Error()...)
	}
	return result, nil
}

// run is start with some more in the environment and some arguments.
func (x *examiner) run(ctx context.Context, env []string, args ...string) (proc.Result, error) {
	return x.start(ctx, x.spec(env, args, nil))
}

// findBase finds a set of options that the schema and the program accept: the first such example, else the required
// options with values of our own. The problem is that there is none.
func (x *examiner) findBase(ctx context.Context) (problem string, err error) {
	var sets []document
	for _, example := range x.doc.Examples {
		if d, err := decodeDocument(example.Options); err == nil && x.accepts(d) {
			sets = append(sets, d)
		}
	}
	least, problem := x.required()
	if problem == "" {
		sets = append(sets, least)
	}
	if len(sets) == 0 {
		return problem, nil
	}
	trials := make([]trial, len(sets))
	for i, d := range sets {
		trials[i].text = mustJSON(d)
	}
	x.base = sets[0]
	verdicts, problem, err := x.batch(ctx, trials)
	if err != nil || problem != "" {
		return "", err // what is wrong with the answers is told where all documents are judged
	}
	for i, v := range verdicts {
		if *v.Valid {
			x.base = sets[i]
			return "", nil
		}
	}
	return fmt.Sprintf("the program refuses each that the schema accepts, such as %s (%s)", shorten(trials[0].text), verdicts[0].Problems[0]), nil
}

// required returns the required options with values of our own. The problem is that they are no valid set.
func (x *examiner) required() (d document, problem string) {
	d = document{}
	for _, name := range x.Subject.Options.Required {
		value, ok := x.options[name].valid()
		if !ok {
			return nil, fmt.Sprintf("no valid value is known for --%s; give it an example or a default in the schema", name)
		}
		d[name] = value
	}
	if !x.accepts(d) {
		return nil, "the schema refuses the required options alone; add an example that is complete"
	}
	return d, ""
}

// accepts tells what the schema says of a document.
func (x *examiner) accepts(d document) bool {
	parsed, err := reparse(d)
	return err == nil && x.Subject.Compiled.Valid(parsed)
}

// file writes a new file of the given content into the scratch folder.
func (x *examiner) file(content []byte) (string, error) {
	f, err := os.CreateTemp(x.Scratch, "*.yaml")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	return f.Name(), errors.Join(err, f.Close())
}

// each calls do for 0 to n-1, on all cores.
func (x *examiner) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	return parallel.Each(ctx, runtime.GOMAXPROCS(0), n, do)
}

// list joins the first problems of a test into one text.
func list(problems []string) string {
	const most = 5
	if len(problems) > most {
		problems = append(problems[:most:most], fmt.Sprintf("and %d more", len(problems)-most))
	}
	return strings.Join(problems, "\n")
}
