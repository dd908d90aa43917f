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
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rules"
)

// The suites under which the catalog keeps what this package proves.
const (
	Metadata = "catalogen: metadata"
	Parity   = "catalogen: parity"
	Surface  = "catalogen: surface"
	Secrets  = "catalogen: secrets"
	Run      = "catalogen: run"
	Replayed = "catalogen: replay" // is about an old version, too, so it is never published
)

// Rules maps each suite to the rule that a failed test of it breaks.
var Rules = map[string]string{
	Metadata: "metadata-steady", Parity: "schema-parser-parity", Surface: "surface", Secrets: "secret-leak", Run: "real-run",
	Replayed: "replay",
}

// Fixes tells for each suite what to do about a failed test.
var Fixes = map[string]string{
	Metadata: "metadata must depend on nothing but the program",
	Parity:   "make the parser and the schema accept the same values, or report the problem as semantic",
	Surface:  "what help, completion and version show must follow from the options",
	Secrets:  "print no value of a secret, nor of anything that may be one",
	Run:      "0 is success, 1 a failure, 2 wrong usage; SIGTERM is a clean stop",
	Replayed: "the comparison of documents and the program disagree: one of the two is wrong; please report it",
}

const (
	deadline      = 10 * time.Second
	batchDeadline = 2 * time.Minute
	maxOutput     = 64 << 20
)

// A Target is the program to examine.
type Target struct {
	Binary  string
	Env     []string // the whole environment in which it runs
	Subject rules.Subject
	Scratch string // a folder for files, of this target alone
}

// examiner is a target with what the suites share.
type examiner struct {
	Target
	doc     metadata.Document
	options map[string]property
	base    document // valid by the schema, and for the program
	trials  []trial
	samples samples
	nowhere silence
	tests   []evidence.Test
}

// Examine runs every suite and returns a test for each thing that was tried. It blocks until the program has been run some
// dozens of times, on all cores. The error is about the machine or ctx.
func Examine(ctx context.Context, t Target) ([]evidence.Test, error) {
	nowhere, err := newSilence()
	if err != nil {
		return nil, err
	}
	defer nowhere.Close()
	x := &examiner{Target: t, doc: t.Subject.Document, nowhere: nowhere}
	x.options = readProperties(t.Subject.Options, t.Subject.Compiled)
	problem, err := x.findBase(ctx)
	if err != nil {
		return nil, err
	}
	x.report(Parity, "a valid set of options", problem)
	if problem != "" {
		return x.tests, nil
	}
	x.trials = x.makeTrials()
	for _, suite := range []func(context.Context) error{x.metadata, x.parity, x.doors, x.surface, x.secrets, x.realRun} {
		if err := suite(ctx); err != nil {
			return nil, err
		}
	}
	return x.tests, nil
}

// report adds a test; an empty problem means that it passed.
func (x *examiner) report(suite, name string, problem string) {
	t := evidence.Test{TestResult: metadata.TestResult{Suite: suite, Name: name, Status: metadata.Passed}}
	if problem != "" {
		t.Status, t.Detail = metadata.Failed, problem
	}
	x.tests = append(x.tests, t)
}

// spec says how to run the program with some more in its environment.
func (x *examiner) spec(env, args []string, stdin io.Reader) proc.Spec {
	return proc.Spec{
		Argv: append([]string{x.Binary}, args...), Dir: x.Scratch, Env: append(x.Env[:len(x.Env):len(x.Env)], env...), Stdin: stdin,
		Deadline: deadline, MaxStdout: maxOutput, MaxStderr: maxOutput,
	}
}

// run runs the program to its end. What kills it is told in the result as status -1 and on stderr, because a program that
// hangs or dies has failed the test that asked.
func (x *examiner) run(ctx context.Context, env []string, args ...string) (proc.Result, error) {
	result, err := proc.Run(ctx, x.spec(env, args, nil))
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	if err != nil {
		result.Status = -1
		result.Stderr = append(result.Stderr, err.Error()...)
	}
	return result, nil
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
