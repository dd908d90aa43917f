package inputs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common/metadata/schema"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
	"github.com/patchbay-dev/patchbay/tools/catalogen/report"
)

// gateSources are what the gate is known by, its own Go files, and where a repository that holds the gate keeps them.
var gateSources = []struct {
	folder string
	files  fs.FS
}{
	{"tools/catalogen/internal", internal.Gate},
	{"tools/catalogen/report", report.Source},
	{"common/metadata/schema", schema.Source},
}

// gateSchema is what documents are held against.
const gateSchema = "common/metadata/schema/metadata.v1.json"

// Gate returns a line for each file of the gate as a repository holds it, "file PATH DIGEST", sorted; none where it does not
// hold the gate. A digest counts the gate that runs; between two commits these lines tell what became of it.
func Gate(ctx context.Context, root string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(gateSources[0].folder), "gate.go")); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	argv := []string{"go", "list", "-mod=readonly", "-f", `{{$d := .Dir}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}`}
	for _, source := range gateSources {
		argv = append(argv, "./"+source.folder)
	}
	result, err := proc.Run(ctx, proc.Spec{
		Argv: argv, Dir: root, Env: proc.Environ(), Deadline: time.Minute, MaxStdout: 1 << 20, MaxStderr: 1 << 20,
	})
	if err == nil && result.Status != 0 {
		err = errors.New(proc.Tail(result.Stderr, 10))
	}
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	paths := []string{gateSchema}
	for name := range strings.Lines(string(result.Stdout)) {
		relative, err := filepath.Rel(root, strings.TrimSuffix(name, "\n"))
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(relative, ".go") && !strings.HasSuffix(relative, "_test.go") {
			paths = append(paths, filepath.ToSlash(relative))
		}
	}
	slices.Sort(paths)
	d := &Digester{root: root, files: map[string]string{}}
	var lines []string
	for _, p := range paths {
		digest, err := d.file(p)
		if err != nil {
			return nil, err
		}
		lines = append(lines, "file "+p+" "+digest)
	}
	return lines, nil
}
