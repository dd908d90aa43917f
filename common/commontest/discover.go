package commontest

import (
	"context"
	"testing"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/internal/options"
)

// Discover asks a connector what there is, with options as the command discover takes them, and returns what it says. It
// fails the test where a name is missing or stands twice, and where the options that are found, beside those that were given,
// are not all that a run needs. It blocks for as long as the connector takes, Patience at the most.
func Discover[T any, P interface {
	*T
	common.Discoverer
}](t testing.TB, args ...string) ([]common.Found, error) {
	t.Helper()
	own, m := model[T](t)
	for _, o := range m.Options {
		o.Required = o.Required && !o.Discover
	}
	line, problems := m.Args(args)
	settings, more := m.Resolve(options.Inputs{Line: line})
	for _, problem := range append(problems, more...) {
		t.Fatalf("options: %v", problem)
	}
	if err := m.Bind(settings); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	found, err := P(own).Discover(ctx)
	names := map[string]bool{}
	for _, f := range found {
		if f.Name == "" || names[f.Name] {
			t.Errorf("%+v has no name, or that of another", f)
		}
		names[f.Name] = true
		own, m := model[T](t)
		for _, problem := range fill(t, own, m, options.Inputs{Line: line, File: asFile(t, f.Options), FilePath: "what is found"}, nil) {
			t.Errorf("%s: a run of it: %v", f.Name, problem)
		}
	}
	return found, err
}

// asFile returns options as a config file would give them.
func asFile(t testing.TB, found map[string]any) map[string]config.Value {
	t.Helper()
	values, err := options.JSONForm(found)
	if err != nil {
		t.Fatal(err)
	}
	file := map[string]config.Value{}
	for name, value := range values {
		file[name] = config.Value{Any: value}
	}
	return file
}
