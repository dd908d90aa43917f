// Package affected tells which connectors must be built and tested again since a commit, and why.
package affected

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/inputs"
)

// A Connector must be built and tested again, for each of the reasons. A reason is one line for people.
type Connector struct {
	Folder  discover.Folder
	Reasons []string // those in its own folder first, then sorted
}

// Since compares what the connectors of the repository at root are made from with what they were made from at a git
// reference, and returns those for which it differs, sorted by name: those whose input digest would be another one. Where
// that cannot be told, such as for a reference that the history does not reach, it returns all of them and says why. The
// error is about connectors that are not fit to be listed, or ctx's.
func Since(ctx context.Context, root, ref string) ([]Connector, error) {
	folders, findings, err := discover.Folders(root)
	if err != nil {
		return nil, fmt.Errorf("look for connectors: %w", err)
	}
	if len(findings) > 0 {
		all := make([]error, len(findings))
		for i, f := range findings {
			all[i] = f
		}
		return nil, errors.Join(all...)
	}
	reasons, err := compare(ctx, root, ref, folders)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var affected []Connector
	for _, f := range folders {
		switch {
		case err != nil:
			affected = append(affected, Connector{f, []string{"what changed cannot be told: " + err.Error()}})
		case len(reasons[f.Name]) > 0:
			affected = append(affected, Connector{f, reasons[f.Name]})
		}
	}
	return affected, nil
}

// compare returns the reasons for each connector by its name.
func compare(ctx context.Context, root, ref string, folders []discover.Folder) (map[string][]string, error) {
	temp, err := os.MkdirTemp("", "patchbay-since-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	if temp, err = filepath.EvalSymlinks(temp); err != nil { // the go command names folders so
		return nil, err
	}
	old, err := checkout(ctx, root, ref, filepath.Join(temp, "tree"))
	if err != nil {
		return nil, err
	}
	// What is wrong with folders of the past is over: to those that are there now they are as good as none.
	past, _, err := discover.Folders(old)
	if err != nil {
		return nil, fmt.Errorf("at %s: %w", ref, err)
	}
	before, err := look(ctx, old, past)
	if err != nil {
		return nil, fmt.Errorf("at %s: %w", ref, err)
	}
	after, err := look(ctx, root, folders)
	if err != nil {
		return nil, err
	}
	gate := differences(before.gate, after.gate)
	for i := range gate {
		gate[i] = "the gate: " + gate[i]
	}
	reasons := map[string][]string{}
	for _, f := range folders {
		was, known := before.connectors[f.Name]
		is := after.connectors[f.Name]
		var why []string
		switch {
		case !known:
			why = []string{ref + " has no such connector"}
		case is.unfit != nil:
			why = []string{is.unfit.Error()}
		case was.unfit != nil:
			why = []string{"at " + ref + ": " + was.unfit.Error()}
		default:
			why = append(differences(was.parts, is.parts), gate...)
			slices.SortStableFunc(why, func(a, b string) int { return cmp.Compare(distance(f, a), distance(f, b)) })
		}
		reasons[f.Name] = why
	}
	return reasons, nil
}

// distance is 0 for a reason in the connector's own folder and 1 for others.
func distance(f discover.Folder, reason string) int {
	if strings.HasPrefix(reason, f.Path+"/") {
		return 0
	}
	return 1
}

// A tree is what the connectors of a repository are made from at one time.
type tree struct {
	connectors map[string]connector // by name
	gate       parts
}

// A connector is what one of them is made from, or why that cannot be told.
type connector struct {
	parts parts
	unfit error
}

// parts are by what they are called, such as "common/x.go" or "module example.com/m", and tell the version or the digest.
type parts map[string]string

// look finds out what connectors are made from.
func look(ctx context.Context, root string, folders []discover.Folder) (tree, error) {
	t := tree{connectors: map[string]connector{}}
	digester, err := inputs.NewDigester(ctx, root, folders, build.Drivers(root))
	if err != nil {
		return t, err
	}
	for _, f := range folders {
		lines, err := digester.Inputs(f)
		t.connectors[f.Name] = connector{read(lines), err}
	}
	lines, err := inputs.Gate(ctx, root)
	t.gate = read(lines)
	return t, err
}

// read turns the lines of package inputs into parts. A file's path may hold spaces, its digest none.
func read(lines []string) parts {
	all := parts{}
	for _, line := range lines {
		kind, rest, _ := strings.Cut(line, " ")
		switch kind {
		case "file":
			i := strings.LastIndexByte(rest, ' ')
			all[rest[:i]] = rest[i+1:]
		case "module":
			name, version, _ := strings.Cut(rest, " ")
			all["module "+name] = version
		default:
			all[kind] = rest
		}
	}
	return all
}

// differences says what was added, removed and changed, sorted.
func differences(before, after parts) []string {
	var found []string
	for name, was := range before {
		is, there := after[name]
		switch {
		case !there:
			found = append(found, name+" was removed")
		case is != was:
			found = append(found, name+change(name, was, is))
		}
	}
	for name := range maps.Keys(after) {
		if _, known := before[name]; !known {
			found = append(found, name+" was added")
		}
	}
	slices.Sort(found)
	return found
}

// change says how a part has changed: versions are for people, digests are not.
func change(name, was, is string) string {
	old, _, _ := strings.Cut(was, " ")
	fresh, _, _ := strings.Cut(is, " ")
	if (name == "go" || strings.HasPrefix(name, "module ")) && old != fresh {
		return " went from " + old + " to " + fresh
	}
	return " has changed"
}
