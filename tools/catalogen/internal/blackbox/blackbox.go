// Package blackbox examines a connector's program from outside, in whatever language it is written: whether its parser and
// its schema accept the same values, whether help, completion, environment and config file know the same options, and
// whether a secret ever comes out. What it finds is evidence like the connector's own tests.
package blackbox

import (
	"context"
	"errors"
	"fmt"
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
)

// Rules maps each suite to the rule that a failed test of it breaks.
var Rules = map[string]string{
	Metadata: "metadata-steady", Parity: "schema-parser-parity", Surface: "surface", Secrets: "secret-leak",
}

// Fixes tells for each suite what to do about a failed test.
var Fixes = map[string]string{
	Metadata: "metadata must depend on nothing but the program",
	Parity:   "make the parser and the schema accept the same values, or report the problem as semantic",
	Surface:  "what help, completion and version show must follow from the options",
	Secrets:  "print no value of a secret, nor of anything that may be one",
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
	base    document // valid by the schema
	trials  []trial
	samples samples
	tests   []evidence.Test
}

// Examine runs every suite and returns a test for each thing that was tried. It blocks until the program has been run some
// dozens of times, on all cores. The error is about the machine or ctx.
func Examine(ctx context.Context, t Target) ([]evidence.Test, error) {
	x := &examiner{Target: t, doc: t.Subject.Document}
	var err error
	if x.options, err = readProperties(x.doc.Schema, t.Subject.Compiled); err != nil {
		return nil, err
	}
	if x.base, err = x.findBase(); err != nil {
		x.report(Parity, "a valid set of options", err.Error())
		return x.tests, nil
	}
	x.trials = x.makeTrials()
	for _, suite := range []func(context.Context) error{x.metadata, x.parity, x.doors, x.surface, x.secrets} {
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

// run runs the program to its end. What kills it is told in the result as status -1 and on stderr, because a program that
// hangs or dies has failed the test that asked.
func (x *examiner) run(ctx context.Context, env []string, args ...string) (proc.Result, error) {
	result, err := proc.Run(ctx, proc.Spec{
		Argv: append([]string{x.Binary}, args...), Dir: x.Scratch, Env: append(x.Env[:len(x.Env):len(x.Env)], env...),
		Deadline: deadline, MaxStdout: maxOutput, MaxStderr: maxOutput,
	})
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	if err != nil {
		result.Status = -1
		result.Stderr = append(result.Stderr, err.Error()...)
	}
	return result, nil
}

// findBase returns a set of options that the schema accepts: the first example, else the required options with values of
// our own.
func (x *examiner) findBase() (document, error) {
	for _, example := range x.doc.Examples {
		d, err := decodeDocument(example.Options)
		if err == nil && x.accepts(d) {
			return d, nil
		}
	}
	d := document{}
	for _, name := range x.Subject.Options.Required {
		value, ok := x.options[name].valid()
		if !ok {
			return nil, fmt.Errorf("no valid value is known for --%s; give it an example or a default in the schema", name)
		}
		d[name] = value
	}
	if !x.accepts(d) {
		return nil, fmt.Errorf("the schema refuses the required options alone; add an example that is complete")
	}
	return d, nil
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
