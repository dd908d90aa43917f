// Package pipeline runs the stages of the generator in order: discover, build, probe, rules, tests, publish. It writes
// nothing into the catalog itself.
package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/baseline"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/inputs"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/readme"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
)

// Config says what to work on.
type Config struct {
	Root    string // the repository, absolute
	Bin     string // where programs are built, absolute
	Catalog string // the committed catalog, whose evidence stands where a machine lacks a server; absolute
	Jobs    int    // connectors at a time, at least 1
	Against string // git reference of the baseline; empty for the newest reachable tag
	Only    []string
	Cache   evidence.Cache
	Watch   Watcher
	Limits  Limits
	Today   time.Time // the day by which waivers expire and deprecations may end

	untested bool // no test will run, so none is compiled
}

// Limits are what a connector's programs may use. Each must be positive.
type Limits struct {
	Answer time.Duration // until metadata and whatever else answers without a network has ended
	Work   time.Duration // until make build, and make test, have ended
	Memory int64         // bytes for each process that answers; tests are free, for the race detector takes whatever there is
	File   int64         // bytes to which a file may be written
}

// A Watcher is told how far the work is. Its methods are called from several goroutines.
type Watcher interface {
	// Begin names the connectors, once.
	Begin(names []string)
	// Step says what is being done with a connector.
	Step(name, what string)
	// End gives a connector's row when nothing more is done with it.
	End(Row)
}

// A Row is the outcome of one connector.
type Row struct {
	Name    string
	Version string // empty where the metadata breaks its schema
	Tests   evidence.Counts
	Elapsed time.Duration
	Cached  bool   // no test was run: the evidence was known
	Kept    bool   // the committed evidence stands in for tests that were skipped here
	OK      bool   // it may be published
	Output  string // the last lines of its tests, where they failed
}

// A Result is the outcome of a whole run.
type Result struct {
	Rows       []Row // in the order of names
	Findings   []finding.Finding
	Connectors []publish.Connector // those that passed every stage
	Baseline   baseline.Baseline
}

// run is the state that the stages of one call share.
type run struct {
	Config
	digester  *inputs.Digester
	digests   map[string]string // of each connector's inputs, as they were before anything was built from them
	foreign   []string          // connectors that tests may not run, unless they are their own
	committed map[string]metadata.Entry
	baseline  baseline.Baseline
	homes     proc.Homes
}

// Generate runs every stage for every connector. Connectors that fail a stage are in Findings, the others in Connectors.
// The error is about the machine or ctx, never about a connector.
func Generate(ctx context.Context, c Config) (Result, error) {
	return execute(ctx, c, (*run).prove)
}

// Describe builds connectors and asks them for their metadata. It runs no test. A connector whose metadata breaks a rule is in
// Findings and, if it can be read at all, in Connectors too.
func Describe(ctx context.Context, c Config) (Result, error) {
	c.untested = true
	return execute(ctx, c, (*run).describe)
}

// Test builds connectors and runs only their own tests, through the same evidence cache.
func Test(ctx context.Context, c Config) (Result, error) {
	return execute(ctx, c, (*run).testOnly)
}

// work takes one connector through its stages and returns its row and, if it may be published, what is known of it.
type work func(*run, context.Context, discover.Folder) (Row, *publish.Connector, []finding.Finding, error)

func execute(ctx context.Context, c Config, do work) (Result, error) {
	var result Result
	folders, findings, err := discover.Folders(c.Root)
	if err != nil {
		return result, fmt.Errorf("look for connectors: %w", err)
	}
	if len(folders)+len(findings) == 0 {
		return result, fmt.Errorf("there is no connector in %s", filepath.Join(c.Root, "connectors"))
	}
	result.Findings = findings
	r := &run{Config: c, digests: map[string]string{}, committed: committedEntries(c.Catalog)}
	for _, f := range folders {
		if !slices.Contains(build.Drivers(c.Root), f.Path) {
			r.foreign = append(r.foreign, f.Name)
		}
	}
	folders, err = choose(folders, c.Only)
	if err != nil {
		return result, err
	}
	defer r.homes.Remove()
	defer proc.Remains() // also where the end comes early

	names := make([]string, len(folders))
	for i, f := range folders {
		names[i] = f.Name
	}
	c.Watch.Begin(names)
	var broken map[string]finding.Finding
	err = parallel.Each(ctx, 3, 3, func(ctx context.Context, i int) (err error) { // what knows nothing of each other
		switch i {
		case 0:
			r.baseline, err = baseline.Read(ctx, c.Root, c.Against)
		case 1:
			broken, err = r.prepare(ctx, folders)
		case 2:
			if slices.ContainsFunc(folders, func(f discover.Folder) bool { return f.Has("build") }) {
				proc.FindPlaces()
			}
		}
		return err
	})
	result.Baseline = r.baseline
	if err != nil {
		return result, err
	}

	rows := make([]Row, len(folders))
	passed := make([]*publish.Connector, len(folders))
	bad := make([][]finding.Finding, len(folders))
	order := r.inOrder(folders)
	err = parallel.Each(ctx, c.Jobs, len(folders), func(ctx context.Context, turn int) error {
		i, start := order[turn], time.Now()
		rows[i] = Row{Name: folders[i].Name}
		if f, ok := broken[folders[i].Name]; ok {
			bad[i] = []finding.Finding{f}
		} else {
			var err error
			if rows[i], passed[i], bad[i], err = do(r, ctx, folders[i]); err != nil {
				return fmt.Errorf("%s: %w", folders[i].Name, err)
			}
		}
		rows[i].Elapsed, rows[i].OK = time.Since(start), len(bad[i]) == 0
		c.Watch.End(rows[i])
		return nil
	})
	if err != nil {
		return result, err
	}
	if err := r.recheck(ctx, folders, passed, bad); err != nil {
		return result, err
	}
	c.Cache.KeepDurations(durations(rows))
	result.Rows = rows
	for i := range folders {
		rows[i].OK = len(bad[i]) == 0
		result.Findings = append(result.Findings, bad[i]...)
		if passed[i] != nil && (len(bad[i]) == 0 || r.untested) {
			result.Connectors = append(result.Connectors, *passed[i])
		}
	}
	result.Findings = append(result.Findings, remains()...)
	finding.Sort(result.Findings)
	result.Findings = slices.Compact(result.Findings) // two stages may see the same change
	return result, nil
}

// choose keeps the named connectors, or all where none is named.
func choose(folders []discover.Folder, only []string) ([]discover.Folder, error) {
	if len(only) == 0 {
		return folders, nil
	}
	var chosen []discover.Folder
	for _, name := range only {
		found := false
		for _, f := range folders {
			if f.Name == name {
				chosen, found = append(chosen, f), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no connector %q under connectors/", name)
		}
	}
	return chosen, nil
}

// committedEntries reads the entries of the committed index. One that cannot be read has nothing to say.
func committedEntries(catalog string) map[string]metadata.Entry {
	entries := map[string]metadata.Entry{}
	text, err := fs.ReadFile(os.DirFS(catalog), "index.json")
	if err != nil {
		return entries
	}
	var index metadata.Index
	if err := json.Unmarshal(text, &index); err != nil {
		return entries
	}
	for _, e := range index.Connectors {
		entries[e.Name] = e
	}
	return entries
}

// ReadReadme reads the README of a folder, which need not be there and must not lie elsewhere.
func ReadReadme(dir string) ([]byte, error) { return readText(dir, "README.md") }

// readText reads a text of a folder, which need not be there and must not lie elsewhere.
func readText(dir, name string) ([]byte, error) {
	text, err := rooted.Read(dir, name, readme.Max)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
