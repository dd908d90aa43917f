package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/userconfig"
)

type validateCmd struct {
	rootFlag
	File string `arg:"" help:"The config file; its type names the connector."`
}

// Run checks a config file against the catalog.
func (v validateCmd) Run(s streams) error {
	data, err := readLimited(v.File)
	if err != nil {
		var inner *fs.PathError // it would say the name once more
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return tell(s.out, config.Problem{File: v.File, Message: err.Error(), Fix: "name a config file that can be read"})
	}
	file, err := userconfig.Parse(v.File, data)
	if err != nil {
		return tell(s.out, err)
	}
	if file.Type == nil {
		return tell(s.out, config.Problem{File: v.File, Key: "type", Message: "is missing", Fix: "name the connector, such as type: http-source"})
	}
	doc, err := wanted(v.Root, file)
	if err != nil {
		return tell(s.out, err)
	}
	problems, err := userconfig.Check(file, doc)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return tell(s.out, &config.Error{Problems: problems})
	}
	fmt.Fprintf(s.out, "%s: valid for %s %s\n", v.File, doc.Name, doc.Version)
	return nil
}

// wanted returns the metadata of the connector and version that a file names.
func wanted(root string, file *config.File) (metadata.Document, error) {
	var doc metadata.Document
	name, isText := file.Type.Any.(string)
	index, err := readIndex(root)
	if err != nil {
		return doc, err
	}
	i := slices.IndexFunc(index.Connectors, func(e metadata.Entry) bool { return e.Name == name })
	if !isText || i < 0 {
		fix := "the catalog has: " + strings.Join(entryNames(index), ", ")
		if nearest := config.Nearest(name, entryNames(index)); nearest != "" {
			fix = "did you mean " + nearest + "?"
		}
		return doc, config.Problem{File: file.Path, Line: file.Type.Line, Key: "type", Message: fmt.Sprintf("the catalog has no connector %q", name), Fix: fix}
	}
	entry := index.Connectors[i]
	if file.Version != nil {
		asked, _ := file.Version.Any.(string)
		if !slices.Contains(entry.Versions, asked) {
			return doc, config.Problem{
				File: file.Path, Line: file.Version.Line, Key: "version",
				Message: fmt.Sprintf("the catalog has no version %q of %s", asked, name),
				Fix:     "it has: " + strings.Join(entry.Versions, ", "),
			}
		}
		entry.Version = asked
	}
	doc, _, err = document(root, entry.Name, entry.Version)
	return doc, err
}

// tell writes the problems of a file where people look for a verdict; what is no problem of the file is returned.
func tell(out io.Writer, err error) error {
	var (
		all     *config.Error
		problem config.Problem
	)
	if !errors.As(err, &all) && !errors.As(err, &problem) {
		return err
	}
	fmt.Fprintln(out, err)
	return errInvalid
}

// readLimited reads a file of at most the size that a config file may have, and one byte more, which the parser refuses.
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, config.MaxBytes+1))
}
