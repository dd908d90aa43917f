package verify

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/evidence"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/finding"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// Program runs a program to ask for its metadata, within the limits of package probe, and holds that against the catalog. It
// returns the document that it matches. What is wrong is the finding; the error is about the machine or ctx.
func (c *Catalog) Program(ctx context.Context, path string) (Document, []finding.Finding, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Document{}, nil, err
	}
	home, err := proc.NewHome()
	if err != nil {
		return Document{}, nil, err
	}
	defer home.Remove()
	output, err := probe.Run(ctx, []string{path, "metadata"}, home.Dir, home.Dir, probe.Deadline)
	if err != nil {
		return told(path, err)
	}
	doc, text, err := probe.Decode(output)
	if err != nil {
		return told(path, err)
	}
	bad := finding.Finding{Connector: doc.Name, Where: path, Fix: "take program and catalog of the same release"}
	versions, ok := c.Documents[doc.Name]
	if !ok {
		bad.Connector = ""
		bad.Rule, bad.Message = "program-known", "calls itself "+doc.Name+", which the catalog does not have"
		return Document{}, []finding.Finding{bad}, nil
	}
	proved, ok := versions[doc.Version]
	switch {
	case !ok:
		bad.Rule, bad.Message = "program-known", "is version "+doc.Version+", which the catalog does not have"
	case !bytes.Equal(proved.Text, text):
		bad.Rule, bad.Message = "program-metadata", "prints other metadata than the catalog holds of "+doc.Name+" "+doc.Version
	default:
		return proved, nil, nil
	}
	return Document{}, []finding.Finding{bad}, nil
}

// told turns the finding that an error is into findings.
func told(path string, err error) (Document, []finding.Finding, error) {
	var found finding.Finding
	if !errors.As(err, &found) {
		return Document{}, nil, err
	}
	found.Where = path + ": " + found.Where
	return Document{}, []finding.Finding{found}, nil
}

// Sums are checksums by the names of files, as sha256sum writes them.
type Sums map[string]string

// ParseSums reads the lines of sha256sum: 64 hexadecimal digits, two spaces or a space and a star, and a name.
func ParseSums(text []byte) (Sums, error) {
	sums := Sums{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		sum, name, ok := strings.Cut(line, " ")
		if !ok || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" || len(name) < 2 || name[0] != ' ' && name[0] != '*' {
			return nil, errors.New("is not what sha256sum writes: " + line)
		}
		if _, twice := sums[name[1:]]; twice {
			return nil, errors.New("names " + name[1:] + " twice")
		}
		sums[name[1:]] = sum
	}
	return sums, nil
}

// String writes the sums as sha256sum does, sorted by name.
func (s Sums) String() string {
	var b strings.Builder
	for _, name := range s.names() {
		b.WriteString(s[name] + "  " + name + "\n")
	}
	return b.String()
}

func (s Sums) names() []string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Check holds the catalog's index and programs, by their paths, against published sums. A program may have been renamed: what
// counts is that its bytes are published. It returns the names under which they are.
func (s Sums) Check(c *Catalog, programs []string) (names []string, findings []finding.Finding, err error) {
	if sum, ok := s[IndexFile]; !ok || "sha256:"+sum != evidence.Digest(c.IndexText) {
		findings = append(findings, finding.Finding{
			Rule: "sums-index", Where: IndexFile, Message: "is not the index that was published with these sums",
			Fix: "take the catalog and the sums of the same release",
		})
	}
	for _, path := range programs {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		digest := strings.TrimPrefix(evidence.Digest(text), "sha256:")
		published := slices.IndexFunc(s.names(), func(name string) bool { return s[name] == digest })
		if published < 0 {
			findings = append(findings, finding.Finding{
				Rule: "sums-program", Where: path, Message: "has the sum " + digest + ", which was not published",
				Fix: "do not run it; take it from where it was published",
			})
			continue
		}
		names = append(names, s.names()[published])
	}
	return names, findings, nil
}
