package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/build"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/inputs"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/publish"
)

// Digests computes the input digests of connectors as they are now, and the finding of each that has none.
func Digests(ctx context.Context, root string, folders []discover.Folder) (map[string]string, map[string]finding.Finding, error) {
	_, digests, unfit, err := digest(ctx, root, folders)
	return digests, unfit, err
}

func digest(ctx context.Context, root string, folders []discover.Folder) (
	digester *inputs.Digester, digests map[string]string, unfit map[string]finding.Finding, err error,
) {
	if digester, err = inputs.NewDigester(ctx, root, folders, build.Drivers(root)); err != nil {
		return nil, nil, nil, err
	}
	digests, unfit = map[string]string{}, map[string]finding.Finding{}
	for _, f := range folders {
		digest, err := digester.Digest(f)
		if err != nil {
			bad := finding.Finding{
				Connector: f.Name, Rule: "inputs", Where: f.Path, Message: err.Error(),
				Fix: "keep in the folder only what may be read and committed",
			}
			if errors.Is(err, inputs.ErrGo) {
				bad.Fix = build.Remedy(bad.Message, "go vet ./"+f.Path)
			}
			unfit[f.Name] = bad
			continue
		}
		digests[f.Name] = digest
	}
	return digester, digests, unfit, nil
}

// changed names the connectors whose inputs are no longer what they were before anything was built from them.
func (r *run) changed(ctx context.Context, folders []discover.Folder) ([]finding.Finding, error) {
	if untouched, err := r.digester.Untouched(ctx); err != nil || untouched {
		return nil, err
	}
	fresh, now, _, err := digest(ctx, r.Root, folders)
	if err != nil {
		return nil, err
	}
	var findings []finding.Finding
	for _, f := range folders {
		if now[f.Name] != r.digests[f.Name] {
			findings = append(findings, finding.Finding{
				Connector: f.Name, Rule: "inputs-changed", Where: f.Path,
				Message: differing(r.digester, fresh, f) + " changed since it was built, so nothing of this run counts",
				Fix:     "run it again; if the program or its tests wrote that, let them write in a temporary folder, or let git ignore it",
			})
		}
	}
	return findings, nil
}

// differing names some of the files of which two digesters do not say the same.
func differing(before, now *inputs.Digester, f discover.Folder) string {
	old, err := before.Inputs(f)
	if err != nil {
		return "something that it is made from"
	}
	lines, err := now.Inputs(f)
	if err != nil {
		return err.Error() + ": it"
	}
	var names []string
	for _, pair := range [][2][]string{{lines, old}, {old, lines}} {
		for _, line := range pair[0] {
			name, _, _ := strings.Cut(strings.TrimPrefix(line, "file "), " ")
			if !slices.Contains(pair[1], line) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// recheck is the last look before connectors are published: those whose inputs have changed since the start are not.
func (r *run) recheck(ctx context.Context, folders []discover.Folder, passed []*publish.Connector, bad [][]finding.Finding) error {
	var last []discover.Folder
	for i, f := range folders {
		if passed[i] != nil && len(bad[i]) == 0 {
			last = append(last, f)
		}
	}
	if len(last) == 0 {
		return nil
	}
	changed, err := r.changed(ctx, last)
	for _, c := range changed {
		i := slices.IndexFunc(folders, func(f discover.Folder) bool { return f.Name == c.Connector })
		bad[i] = append(bad[i], c)
	}
	return err
}
