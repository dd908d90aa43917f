package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/blackbox"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/junit"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pretty"
)

type conformCmd struct {
	Profile string   `help:"Rules to hold it against: ${enum}; auto is by what its metadata says." enum:"auto,core,sdk" default:"auto"`
	Format  string   `help:"How to tell the result: ${enum}." enum:"text,json,junit" default:"text"`
	Path    string   `arg:"" help:"The program; nothing else of the connector is needed."`
	Args    []string `arg:"" optional:"" help:"What comes first on its command line, after --, such as the absolute path of a script."`
}

// Help is shown by catalogen conform --help.
func (conformCmd) Help() string {
	return "Runs the program some dozens of times in empty folders, with no environment but PATH, and where it would connect " +
		"to something, against a port at which nobody listens. Status 0 means that it keeps all rules that could be tried, 1 that it " +
		"breaks one. docs/conformance.md lists the rules."
}

// Run holds a program against the rules.
func (c conformCmd) Run(ctx context.Context, s streams) error {
	path, err := program(c.Path)
	if err != nil {
		return fmt.Errorf("%w: %v", errUsage, err)
	}
	profile := blackbox.Profile(c.Profile)
	if c.Profile == "auto" {
		profile = ""
	}
	report, err := blackbox.Conform(ctx, append([]string{path}, c.Args...), profile)
	if err != nil {
		return err
	}
	tell := map[string]func(io.Writer, blackbox.Report) error{"text": reportText, "json": reportJSON, "junit": reportJUnit}[c.Format]
	if err := tell(s.out, report); err != nil {
		return err
	}
	if report.Count(blackbox.Failed) > 0 {
		return errFailed
	}
	return nil
}

// program finds an executable as a shell would, but for a file in this folder, which needs no ./ before it.
func program(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil && !strings.ContainsRune(name, filepath.Separator):
		if found, lookErr := exec.LookPath(name); lookErr == nil {
			return filepath.Abs(found)
		}
		return "", fmt.Errorf("there is no program %s here or in PATH", name)
	case err != nil:
		return "", fmt.Errorf("there is no program %s", name)
	case info.IsDir() || info.Mode()&0o111 == 0:
		return "", fmt.Errorf("%s is no program; name an executable file (chmod +x makes a script one)", name)
	}
	return path, nil
}

// reportText writes a line for each rule, and what is to be mended under it.
func reportText(out io.Writer, r blackbox.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, profile %s\n", title(r), r.Profile)
	for _, result := range r.Results {
		fmt.Fprintf(&b, "%-14s  %s", result.Status, result.ID)
		if result.Why != "" {
			fmt.Fprintf(&b, ": %s", result.Why)
		}
		b.WriteByte('\n')
		for _, p := range result.Problems {
			for line := range strings.Lines(problemText(p)) {
				fmt.Fprintf(&b, "%16s%s\n", "", strings.TrimSuffix(line, "\n"))
			}
		}
		if result.Status == blackbox.Failed {
			fmt.Fprintf(&b, "%16sholds of a connector that conforms: %s\n%16sfix: %s\n", "", result.Says, "", result.Fix)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d skipped, %d not applicable; started %d times, %.2f s of CPU\n",
		r.Count(blackbox.Passed), r.Count(blackbox.Failed), r.Count(blackbox.Skipped), r.Count(blackbox.NotApplicable), r.Starts, r.CPU.Seconds())
	_, err := io.WriteString(out, finding.Printable(b.String()))
	return err
}

// title names the program that was examined.
func title(r blackbox.Report) string {
	if r.Document.Name == "" {
		return "a program without metadata"
	}
	return finding.Line(r.Document.Name + " " + r.Document.Version)
}

// problemText writes a problem with its place.
func problemText(p blackbox.Problem) string {
	if p.Where == "" {
		return p.Message
	}
	return p.Where + ": " + p.Message
}

// jsonResult is one rule's result in JSON.
type jsonResult struct {
	ID       string           `json:"id"`
	Profile  blackbox.Profile `json:"profile"`
	Status   blackbox.Status  `json:"status"`
	Why      string           `json:"why,omitempty"`
	Problems []string         `json:"problems,omitempty"`
	Says     string           `json:"says"`
	Fix      string           `json:"fix"`
}

// reportJSON writes one JSON object.
func reportJSON(out io.Writer, r blackbox.Report) error {
	results := make([]jsonResult, len(r.Results))
	for i, result := range r.Results {
		results[i] = jsonResult{result.ID, result.Profile, result.Status, result.Why, nil, result.Says, result.Fix}
		for _, p := range result.Problems {
			results[i].Problems = append(results[i].Problems, problemText(p))
		}
	}
	text, err := pretty.JSON(map[string]any{
		"name": r.Document.Name, "version": r.Document.Version, "profile": r.Profile, "results": results,
		"starts": r.Starts, "cpu_seconds": r.CPU.Seconds(),
	})
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// reportJUnit writes a JUnit report, one test case for each rule.
func reportJUnit(out io.Writer, r blackbox.Report) error {
	suite := junit.Suite{Name: "conformance of " + title(r)}
	for _, result := range r.Results {
		c := junit.Case{Class: "conformance." + string(result.Profile), Name: result.ID}
		switch result.Status {
		case blackbox.Failed:
			var problems []string
			for _, p := range result.Problems {
				problems = append(problems, problemText(p))
			}
			c.Failure = &junit.Note{Message: result.Fix, Text: finding.Printable(strings.Join(problems, "\n"))}
		case blackbox.Skipped, blackbox.NotApplicable:
			c.Skipped = &junit.Note{Message: result.Why}
		}
		suite.Cases = append(suite.Cases, c)
	}
	return junit.Write(out, "catalogen", []junit.Suite{suite})
}
