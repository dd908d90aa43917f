// Package commontest runs connectors in tests, on the engine that runs them in production, with a topic and a state in
// memory. A test says what the options are as a command line does, and looks at what came out:
//
//	run := commontest.StartSource[Poll](t, commontest.Config{}, "--endpoint", server.URL)
//	first := run.Next()
//	run.Stop()
//
// Contract tries what every connector promises, Discover what those promise that find something.
package commontest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/internal/options"
)

// Patience is how long a helper waits for something that should happen at once before it fails the test.
const Patience = 20 * time.Second

// Await blocks until a condition holds, and fails the test when Patience runs out before.
func Await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	patience := time.NewTimer(Patience)
	defer patience.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-patience.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Config is how a connector is run. The zero value serves most tests.
type Config struct {
	// Once asks for one bounded pass, as --once does.
	Once bool
	// Positions are where a source resumes, by partition.
	Positions map[string]string
	// ShutdownTimeout bounds the drain; 0 means 5 s.
	ShutdownTimeout time.Duration
	// BatchSize is the most records in a batch of a sink; 0 means 500.
	BatchSize int
	// OnError is the error policy, fail or skip; empty means fail.
	OnError string

	held bool // the topic acknowledges nothing
	open bool // the topic has no end
}

// Options returns a new options struct as the command line would fill it: with defaults, bounds checked, and Validate
// called where there is one. Anything wrong fails the test.
func Options[T any](t testing.TB, args ...string) *T {
	t.Helper()
	own, problems := Parse[T](t, args...)
	for _, problem := range problems {
		t.Errorf("options: %v", problem)
	}
	if len(problems) > 0 {
		t.FailNow()
	}
	return own
}

// Parse is Options for tests of what is refused: it returns what is wrong.
func Parse[T any](t testing.TB, args ...string) (*T, []error) {
	t.Helper()
	own, m := model[T](t)
	line, problems := m.Args(args)
	return own, fill(t, own, m, options.Inputs{Line: line}, problems)
}

// model makes an options struct and reads its tags.
func model[T any](t testing.TB) (*T, *options.Model) {
	t.Helper()
	own := new(T)
	m, err := options.New(options.Config{Name: "test", Own: own, Shared: &struct{}{}, Control: &struct{}{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(); err != nil {
		t.Fatal(err)
	}
	return own, m
}

// fill stores the options that the inputs give, and returns what is wrong with them beside the problems that are known.
func fill(t testing.TB, own any, m *options.Model, in options.Inputs, problems []*options.Problem) (errs []error) {
	t.Helper()
	settings, more := m.Resolve(in)
	for _, problem := range append(problems, more...) {
		errs = append(errs, problem)
	}
	if len(errs) > 0 {
		return errs
	}
	if err := m.Bind(settings); err != nil {
		t.Fatal(err)
	}
	if v, ok := own.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// logger writes what the engine logs to the test's log.
func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(logWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p)
	return len(p), nil
}
