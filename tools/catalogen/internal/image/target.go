package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/probe"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// A Target is a Go program of the repository that gets an image.
type Target struct {
	Name    string
	Package string // the program's folder, relative to the repository, with slashes
	// Document is the connector's metadata document as the catalog holds it. An image is made only of a program that still
	// says the same, for that is what the catalog has proved. Nil means that the program is the tool patchbay, which is not
	// in the catalog and is asked for its version.
	Document []byte
}

const (
	toolDescription = "Runs Patchbay connectors: the local broker, pipelines, and adapters to other platforms."
	toolLicense     = "Apache-2.0"
)

// Build compiles the target as Compile does and writes its image to dir, as Build of a Spec does.
func (t Target) Build(ctx context.Context, compile Compiler, dir string) (version string, digest Digest, err error) {
	temp, err := os.MkdirTemp("", "patchbay-image-*")
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	spec, err := t.Compile(ctx, compile, temp)
	if err != nil {
		return "", "", err
	}
	digest, err = Build(ctx, spec, dir)
	return spec.Version, digest, err
}

// Compile compiles the target for every platform into dir, as NAME-OS-ARCHITECTURE, and returns what an image of it is made
// of. It runs the program for this machine's platform once, to ask what it is.
func (t Target) Compile(ctx context.Context, compile Compiler, dir string) (spec Spec, err error) {
	temp, err := os.MkdirTemp("", "patchbay-home-*")
	if err != nil {
		return spec, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	programs := map[Platform]string{}
	for _, platform := range Platforms {
		programs[platform] = filepath.Join(dir, t.Name+"-"+strings.ReplaceAll(string(platform), "/", "-"))
		if err := compile(ctx, t.Package, platform, programs[platform]); err != nil {
			return spec, err
		}
	}
	host := Platform(runtime.GOOS + "/" + runtime.GOARCH)
	program, known := programs[host]
	if !known {
		program = filepath.Join(temp, t.Name)
		if err := compile(ctx, t.Package, host, program); err != nil {
			return spec, err
		}
	}
	if spec, err = t.ask(ctx, program, temp); err != nil {
		return spec, fmt.Errorf("%s: %w", t.Name, err)
	}
	spec.Binaries = programs
	return spec, nil
}

// ask runs the program and returns what its image says of it.
func (t Target) ask(ctx context.Context, program, home string) (Spec, error) {
	if t.Document == nil {
		return t.askVersion(ctx, program, home)
	}
	output, err := probe.Run(ctx, []string{program, "metadata"}, home, home, probe.Deadline)
	if err != nil {
		return Spec{}, err
	}
	doc, text, err := probe.Decode(output)
	if err != nil {
		return Spec{}, err
	}
	if !bytes.Equal(text, t.Document) {
		return Spec{}, errors.New("the program's metadata is not what the catalog holds; to mend: make catalog")
	}
	return Spec{Name: t.Name, Version: doc.Version, Description: doc.Description, License: doc.License}, nil
}

func (t Target) askVersion(ctx context.Context, program, home string) (Spec, error) {
	result, err := proc.Run(ctx, proc.Spec{
		Argv: []string{program, "--version"}, Dir: home, Env: probe.Env(home),
		Deadline: 10 * time.Second, MaxStdout: 1 << 10, MaxStderr: 1 << 20,
	})
	if err != nil {
		return Spec{}, fmt.Errorf("--version: %w", err)
	}
	// The version is the last word: a program may print its name before it.
	words := strings.Fields(string(result.Stdout))
	if result.Status != 0 || len(words) == 0 {
		return Spec{}, fmt.Errorf("--version: status %d and %d words", result.Status, len(words))
	}
	version := words[len(words)-1]
	if _, err := semver.StrictNewVersion(version); err != nil {
		return Spec{}, fmt.Errorf("--version: %q is no semantic version", version)
	}
	return Spec{Name: t.Name, Version: version, Description: toolDescription, License: toolLicense}, nil
}
