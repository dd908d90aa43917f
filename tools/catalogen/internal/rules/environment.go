package rules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/discover"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
)

// environment are the functions of package os that read variables.
var environment = []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}

// OwnEnvironment finds Go files of a connector that read environment variables beside the options. Nobody sees such a variable
// in the schema, in --help or on the page, no host can set it, and no examination from outside would notice. Tests may.
func OwnEnvironment(f discover.Folder) ([]finding.Finding, error) {
	files, err := os.ReadDir(f.Dir)
	if err != nil {
		return nil, err
	}
	var findings []finding.Finding
	for _, file := range files {
		name := file.Name()
		if !file.Type().IsRegular() || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, filepath.Join(f.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			continue // the compiler says it better, unless the file is for another system
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(environment, selector.Sel.Name) {
				return true
			}
			if pkg, ok := selector.X.(*ast.Ident); ok && pkg.Name == "os" {
				findings = append(findings, finding.Finding{
					Connector: f.Name, Rule: "environment-by-options", Where: fmt.Sprintf("%s/%s:%d", f.Path, name, set.Position(n.Pos()).Line),
					Message: "os." + selector.Sel.Name + " reads what no option tells of",
					Fix:     "make it an option: each has an environment variable, which --help names",
				})
			}
			return true
		})
	}
	return findings, nil
}
