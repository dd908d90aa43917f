// Package test holds the checks that are about the whole repository rather than one package of it.
package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/patchbay-dev/patchbay/"

// A pkg is what `go list -json` tells of one package.
type pkg struct {
	ImportPath                         string
	Name                               string
	Imports, TestImports, XTestImports []string
	Deps                               []string // everything that is linked in, tests aside
}

// A ban says what the packages of a part of the tree may not import. Patterns are those of the go command, relative to the
// module; one that starts with a host name is another module.
type ban struct {
	of     []string // the packages that the ban is about
	except []string // those of them that it leaves alone
	deps   []string // what they may not import
	but    []string // what of it they may
	linked bool     // also through other packages, but not from tests; else directly, tests included
	mains  bool     // programs only
	note   string
}

var leaves = []string{"common/record/...", "common/metadata/...", "common/config/...", "common/link/..."}

var bans = []ban{
	{
		of: []string{"connectors/..."}, deps: []string{"..."}, but: []string{"common/...", "connectors/..."},
		note: "a connector knows its system and common, nothing else of this module",
	},
	{
		of: []string{"..."}, except: []string{"connectors/..."}, deps: []string{"connectors/..."},
		note: "nobody imports a connector: adding or removing one touches its own folder only",
	},
	{
		of: leaves, deps: []string{"..."}, but: leaves, linked: true,
		note: "the leaves are shared by connectors and tools that must stay slim, so they stand on nothing but themselves",
	},
	{
		of: []string{"common/...", "internal/..."}, deps: []string{"tools/...", "test/...", "bench/..."},
		note: "the tools stand on the libraries, never the other way round",
	},
	{
		of: []string{"internal/..."}, deps: []string{"common/..."}, but: leaves,
		note: "common stands on the engine, so the engine knows only the leaves",
	},
	{
		of: []string{"tools/catalogen/..."}, deps: []string{"..."}, but: append([]string{"tools/catalogen/..."}, leaves...),
		linked: true, note: "catalogen learns about a connector by running it, so its own code can hide nothing",
	},
	{
		of: []string{"..."}, except: []string{"tools/patchbay/..."}, mains: true, linked: true,
		deps: []string{
			"github.com/nats-io/nats-server/v2/...", "google.golang.org/grpc/...", "github.com/hashicorp/go-plugin/...",
		},
		note: "what only a host or the local broker needs lives in the patchbay program, so that every connector stays small",
	},
}

func TestImportsFollowTheArrow(t *testing.T) {
	packages, err := list("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 2 {
		t.Fatalf("go list found %d packages", len(packages))
	}
	for _, v := range violations(packages, bans) {
		t.Error(v)
	}
}

// list returns the packages of the module in dir. Those that do not compile are listed with the imports they name.
func list(dir string) ([]pkg, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the output of go list: %w", err)
		}
		packages = append(packages, p)
	}
}

// violations returns one line for each import that a ban forbids.
func violations(packages []pkg, bans []ban) []string {
	var lines []string
	for _, b := range bans {
		for _, p := range packages {
			if !matches(p.ImportPath, b.of) || matches(p.ImportPath, b.except) || b.mains && p.Name != "main" {
				continue
			}
			imports := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
			if b.linked {
				imports = p.Deps
			}
			slices.Sort(imports)
			for _, path := range slices.Compact(imports) {
				if path != p.ImportPath && matches(path, b.deps) && !matches(path, b.but) {
					lines = append(lines, fmt.Sprintf("%s imports %s: %s", p.ImportPath, path, b.note))
				}
			}
		}
	}
	return lines
}

// matches tells whether one of the patterns covers the package. The pattern "..." is the whole of this module.
func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if host, _, _ := strings.Cut(pattern, "/"); !strings.Contains(strings.TrimSuffix(host, "..."), ".") {
			pattern = module + pattern
		}
		tree, all := strings.CutSuffix(pattern, "...")
		return path == strings.TrimSuffix(tree, "/") || all && strings.HasPrefix(path, tree)
	})
}

func TestViolations(t *testing.T) {
	const nats = "github.com/nats-io/nats-server/v2/server"
	tests := []struct {
		name string
		pkg  pkg
		want string // what is wrongly imported, or nothing
	}{
		{"a connector imports common", pkg{ImportPath: "connectors/sources/a-source", Imports: []string{"common", "net/http"}}, ""},
		{
			"a connector's test imports commontest",
			pkg{ImportPath: "connectors/sources/a-source", TestImports: []string{"common/commontest"}},
			"",
		},
		{
			"a connector reaches the engine through common",
			pkg{ImportPath: "connectors/sources/a-source", Imports: []string{"common"}, Deps: []string{"common", "internal/options"}},
			"",
		},
		{
			"a connector imports the engine",
			pkg{ImportPath: "connectors/sources/a-source", Imports: []string{"internal/options"}},
			"internal/options",
		},
		{
			"a connector's test imports the engine",
			pkg{ImportPath: "connectors/sinks/a-sink", XTestImports: []string{"internal/options"}},
			"internal/options",
		},
		{"a connector imports a tool", pkg{ImportPath: "connectors/sinks/a-sink", Imports: []string{"tools/patchbay/run"}}, "tools/patchbay/run"},
		{
			"common imports a package of a connector",
			pkg{ImportPath: "common", Imports: []string{"connectors/sinks/a-sink/wire"}},
			"connectors/sinks/a-sink/wire",
		},
		{"common imports the engine", pkg{ImportPath: "common", Imports: []string{"internal/delivery", "common/record"}}, ""},
		{"common imports a tool", pkg{ImportPath: "common", Imports: []string{"tools/patchbay"}}, "tools/patchbay"},
		{"a leaf links another leaf", pkg{ImportPath: "common/link", Deps: []string{"common/record", "fmt"}}, ""},
		{"catalogen links a package of a leaf", pkg{ImportPath: "tools/catalogen", Deps: []string{"common/metadata/schema"}}, ""},
		{"a leaf links the engine", pkg{ImportPath: "common/link", Deps: []string{"internal/state"}}, "internal/state"},
		{"a leaf links common", pkg{ImportPath: "common/config", Deps: []string{"common"}}, "common"},
		{"the engine imports a leaf", pkg{ImportPath: "internal/state", Imports: []string{"common/record"}}, ""},
		{"the engine imports common", pkg{ImportPath: "internal/state", Imports: []string{"common"}}, "common"},
		{"the engine's test imports commontest", pkg{ImportPath: "internal/state", TestImports: []string{"common/commontest"}}, "common/commontest"},
		{
			"catalogen links leaves and its own",
			pkg{ImportPath: "tools/catalogen", Deps: []string{"common/config", "tools/catalogen/internal/render"}},
			"",
		},
		{
			"catalogen links common through a package of its own",
			pkg{ImportPath: "tools/catalogen", Deps: []string{"tools/catalogen/internal/render", "common"}},
			"common",
		},
		{"catalogen links the engine", pkg{ImportPath: "tools/catalogen/internal/render", Deps: []string{"internal/options"}}, "internal/options"},
		{"patchbay links the broker", pkg{ImportPath: "tools/patchbay", Name: "main", Deps: []string{nats, "internal/broker"}}, ""},
		{"a connector links the broker", pkg{ImportPath: "connectors/sinks/a-sink", Name: "main", Deps: []string{nats}}, nats},
		{"catalogen links gRPC", pkg{ImportPath: "tools/catalogen", Name: "main", Deps: []string{"google.golang.org/grpc"}}, "google.golang.org/grpc"},
		{"a test of the engine starts a broker", pkg{ImportPath: "internal/broker", Name: "broker", TestImports: []string{nats}}, ""},
		{"a name only begins like a banned one", pkg{ImportPath: "tools/catalogen", Name: "main", Deps: []string{"google.golang.org/grpcx"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.pkg
			p.ImportPath = module + p.ImportPath
			for _, imports := range [][]string{p.Imports, p.TestImports, p.XTestImports, p.Deps} {
				for i, path := range imports {
					imports[i] = inModule(path)
				}
			}
			var want []string
			if tt.want != "" {
				want = []string{p.ImportPath + " imports " + inModule(tt.want) + ": "}
			}
			got := violations([]pkg{p}, bans)
			if len(got) != len(want) || len(got) > 0 && !strings.HasPrefix(got[0], want[0]) {
				t.Errorf("got %q, want one that begins with each of %q", got, want)
			}
		})
	}
}

// inModule completes the short path of a package of this module, and leaves others alone.
func inModule(path string) string {
	for _, top := range []string{"common", "internal", "connectors", "tools"} {
		if path == top || strings.HasPrefix(path, top+"/") {
			return module + path
		}
	}
	return path
}
