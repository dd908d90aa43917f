package pipeline

import (
	"context"
	"slices"

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
			unfit[f.Name] = finding.Finding{
				Connector: f.Name, Rule: "inputs", Where: f.Path, Message: err.Error(),
				Fix: "keep in the folder only what may be read and committed",
			}
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
	now, _, err := Digests(ctx, r.Root, folders)
	if err != nil {
		return nil, err
	}
	var findings []finding.Finding
	for _, f := range folders {
		if now[f.Name] != r.digests[f.Name] {
			findings = append(findings, finding.Finding{
				Connector: f.Name, Rule: "inputs-changed", Where: f.Path,
				Message: "files that it is made from have changed since it was built, so nothing of this run counts",
				Fix:     "run it again; if its own build or tests write here, let git ignore what they write",
			})
		}
	}
	return findings, nil
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
