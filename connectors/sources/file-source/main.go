// Command file-source is a source that follows text files and sends their lines, one record each. It keeps up with files
// that are rotated, truncated, replaced or made anew, and resumes at the byte where it stopped.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

func main() {
	common.RunSource(common.Info{
		Name: "file-source", Version: "0.1.0", Category: "Files", Resumes: true,
		Description: "Follows text files through rotation and truncation, and sends each line as a record.",
		Checks: []string{
			"path and exclude are well-formed globs",
			"max-line is at least 1 byte",
		},
		Examples: []common.Example{
			{Title: "Follow a log file, new lines only", Args: []string{
				"--path", "/var/log/syslog", "--from", "end",
				"--topic", "syslog",
			}},
			{Title: "Follow all logs below a folder", Args: []string{"--path", "/var/log/**/*.log", "--topic", "logs"}},
			{Title: "Print what a file holds and end", Args: []string{"--path", "events.jsonl", "--topic", "-", "--once"}},
		},
	}, &File{})
}

// File holds the options that only this connector has.
type File struct {
	Path         string        `help:"File to read, or a glob: * and ? stand for parts of a name, ** for any number of folders." placeholder:"PATH" required:"" identity:""`
	Exclude      []string      `help:"Globs of files to leave out; one without a slash is compared with the name alone." placeholder:"GLOB" default:"*.gz,*.bz2,*.xz,*.zst,*.zip"`
	From         string        `help:"Where to begin in the files that are there at the very first start; files that appear later are read from the start." enum:"start,end" default:"start"`
	Delimiter    string        `help:"What ends a line. A carriage return before a newline is not part of the line." enum:"newline,nul" default:"newline"`
	MaxLine      common.Size   `help:"Longest line, without its delimiter." default:"512KiB"`
	LongLines    string        `help:"What to do with a longer line: end with status 1, send its beginning with the header truncated, or skip it with a warning." enum:"fail,truncate,skip" default:"fail"`
	PollInterval time.Duration `help:"How often to look at the files without a notice from the system, which network file systems never give." default:"1s" min:"1ns"`
	RotateWait   time.Duration `help:"How long a file that was moved away must be quiet before the one in its place is read." default:"5s" min:"0s"`
	MaxFiles     int           `help:"Most files that are followed at the same time; others wait until one has nothing new." default:"1000" min:"1" unit:"files"`
}

// Run follows the files until ctx ends; with --once it ends when each is read up to the size it had at the start.
func (o *File) Run(ctx context.Context, out common.Output) error {
	return newTailer(o, out, common.Log(ctx)).run(ctx)
}

// Validate implements common.Validator.
func (o *File) Validate() error {
	var errs []error
	if _, err := filepath.Match(o.Path, ""); err != nil {
		errs = append(errs, common.Invalid("path", "%q is no glob that can be read: close every [ or write \\[", o.Path))
	}
	for _, pattern := range o.Exclude {
		if _, err := filepath.Match(pattern, ""); err != nil {
			errs = append(errs, common.Invalid("exclude", "%q is no glob that can be read: close every [ or write \\[", pattern))
		}
	}
	if o.MaxLine < 1 {
		errs = append(errs, common.Invalid("max-line", "must be at least 1 byte, such as 64KiB"))
	}
	return errors.Join(errs...)
}

// Check implements common.Checker: it opens what the path names.
func (o *File) Check(context.Context) error {
	paths, err := match(o.Path, o.Exclude)
	if err != nil {
		return err
	}
	if len(paths) == 0 && !isGlob(o.Path) {
		return missing(o.Path)
	}
	var errs []error
	for _, path := range paths {
		file, _, err := open(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}

func missing(path string) error {
	return fmt.Errorf("%s does not exist; check --path, or run without --once to wait for it", path)
}

var errNotRegular = errors.New("is no regular file; name a file, or a glob such as FOLDER/*")

// open opens a regular file and says which one it is.
func open(path string) (*os.File, os.FileInfo, error) {
	// A pipe would block until somebody writes to it, so what it is comes first.
	if info, err := os.Stat(path); err != nil {
		return nil, nil, err
	} else if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s %w", path, errNotRegular)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

var (
	_ common.Source    = (*File)(nil)
	_ common.Validator = (*File)(nil)
	_ common.Checker   = (*File)(nil)
)
