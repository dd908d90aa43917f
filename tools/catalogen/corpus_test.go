package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/fake"
)

// A culprit is a connector that does harm, and how it must be called to account.
type culprit struct {
	name  string // of its folder
	rule  string // the one that it breaks
	says  string // what the message must hold
	write func(root, path string) error
}

// prints is a connector like any other that prints a document of its own: the usual one with text replaced.
func prints(name, rule, says, old, replacement string) culprit {
	return culprit{name, rule, says, func(root, path string) error {
		document := strings.Replace(usual(name), old, replacement, 1)
		if document == usual(name) {
			return fmt.Errorf("%s: the document does not hold %q", name, old)
		}
		return fake.Folder{Path: path, Metadata: document}.Write(root)
	}}
}

// runs is a connector whose program is a script.
func runs(name, rule, says, script string) culprit {
	return culprit{name, rule, says, func(root, path string) error {
		f := fake.Folder{Path: path, Makefile: "build:\n\t@cp program '$(BIN)' && chmod +x '$(BIN)'\ntest:\n\t@echo ok 1\n"}
		return add(root, path, f, map[string]string{"program": "#!/bin/sh\nfolder='" + filepath.Join(root, path) + "'\n" + script + "\n"})
	}}
}

// tests is a connector whose own tests do harm.
func tests(name, rule, says, line string) culprit {
	return culprit{name, rule, says, func(root, path string) error {
		return fake.Folder{Path: path, Test: line, Metadata: slim(name)}.Write(root)
	}}
}

// holds is a connector with files that are more than they seem: a target after -> is a link's, and a bar alone is a pipe.
func holds(name, rule, says string, files map[string]string) culprit {
	return culprit{name, rule, says, func(root, path string) error {
		return add(root, path, fake.Folder{Path: path, Metadata: slim(name)}, files)
	}}
}

// usual is the document that a folder of package fake has by itself.
func usual(name string) string {
	return strings.Replace(fake.Metadata(name), `"category"`, `"resumes": true, "category"`, 1)
}

// slim is the usual document with half the options, which take half the time to examine.
func slim(name string) string {
	return regexp.MustCompile(`(?m)^ *"(interval|limit|mode|strict|header)": .*\n`).ReplaceAllString(usual(name), "")
}

// add writes a folder and files in it.
func add(root, path string, f fake.Folder, files map[string]string) error {
	if err := f.Write(root); err != nil {
		return err
	}
	for name, text := range files {
		file := filepath.Join(root, path, name)
		if err := os.RemoveAll(file); err != nil {
			return err
		}
		var err error
		if target, isLink := strings.CutPrefix(text, "->"); isLink {
			err = os.Symlink(target, file)
		} else if text == "|" {
			err = syscall.Mkfifo(file, 0o600)
		} else {
			err = os.WriteFile(file, []byte(text), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	limited = `until [ "$(ulimit -d)" != unlimited ]; do :; done; ` // which it is soon after its start
	escape  = `setsid sh -c ': >"$0"; exec sleep 600' "$HOME/away" & while [ ! -e "$HOME/away" ]; do :; done`
	option  = `"strict": {"type": "boolean"`
	title   = `"title": "Options"`
)

// culprits do harm in every way that SECURITY.md says is held.
var culprits = []culprit{
	// Programs that leave something behind.
	runs("escapes-source", "process-left", "killed: sleep", escape+`; cat "$folder/metadata.json"`),
	tests("escapes-test-source", "process-left", "killed: sleep", "@"+strings.ReplaceAll(escape, "$", "$$")+"; echo ok 1"),
	// Programs that use up what all need.
	runs("floods-source", "metadata-size", "printed more", "yes"),
	runs("complains-source", "metadata-size", "printed more", "yes >&2"),
	tests("floods-test-source", "test-run", "printed more", "@yes"),
	runs("hoards-source", "metadata-runs", "for want of memory", limited+"dd if=/dev/zero of=/dev/null bs=900M count=1"),
	runs("fills-source", "metadata-runs", "too large", limited+`head -c 100000000 /dev/zero >"$HOME/x"`),
	// Programs that print no document, fail, and take their surroundings along.
	runs("text-source", "metadata-json", "is not JSON", "echo hello"),
	runs("fails-source", "metadata-runs", "status 3: no idea", "echo no idea >&2; exit 3"),
	runs("dies-source", "metadata-runs", "died of signal", "kill -9 $$"),
	runs("razes-source", "metadata-runs", "status 1", `rm -rf "$HOME"; mkdir -p "$HOME/none/of/it"; chmod 0 "$HOME/none"; exit 1`),
	// What is no text, or no text for showing.
	prints("utf8-source", "metadata-json", "not valid UTF-8", "for tests", "\xff"),
	prints("nul-source", "metadata-json", "U+0000", "for tests", `\u0000`),
	prints("escape-source", "metadata-json", "U+001B", "for tests", `\u001b[2J`),
	prints("c1-source", "metadata-json", "U+009B", "for tests", "\u009b2J"),
	prints("bidi-source", "metadata-json", "U+202E", "for tests", "\u202e"),
	prints("unseen-source", "metadata-json", "U+200B", "for tests", "te\u200bsts"),
	tests("test-name-source", "test-run", "no text", `@printf 'ok 1 - \033[2J\n'`),
	tests("nameless-test-source", "test-run", "has no name", `@echo '<testsuite><testcase/></testsuite>' >"$$PATCHBAY_REPORT_DIR/x.xml"`),
	prints("lines-source", "metadata-schema", "does not match", `"version": "0.1.0"`, `"version": "0.1.0\n\ngood-0-source [build] x\n  broken\n  fix: x\n"`),
	// Documents that two readers understand differently.
	prints("twice-source", "metadata-json", "repeats", `"version":`, `"version": "9.9.9", "version":`),
	prints("case-source", "metadata-json", "repeats", `"version":`, `"Version": "9.9.9", "version":`),
	prints("form-source", "metadata-json", "repeats", `"version":`, `"verſion": "9.9.9", "version":`),
	prints("deep-source", "metadata-json", "nested deeper", `"category"`, `"x-deep": `+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)+`, "category"`),
	prints("more-source", "metadata-json", "something follows", "\n}\n", "\n} {}\n"),
	prints("null-source", "metadata-schema", "null", `"commands": [`, `"commands": [null, `),
	// Schemas that reach elsewhere, or cost too much.
	prints("device-source", "schema-compiles", "file:///dev/zero", option, `"strict": {"$ref": "file:///dev/zero"`),
	prints("address-source", "schema-compiles", "http://127.0.0.1:1/", option, `"strict": {"$ref": "http://127.0.0.1:1/"`),
	prints("doubles-source", "schema-compiles", "references", title, `"allOf": [{"$ref": "#/definitions/d0"}], "definitions": `+doubling(30)),
	prints("endless-pattern-source", "schema-compiles", "states", "^https?://", strings.Repeat("x{1000}", 500)),
	prints("huge-source", "schema-compiles", "bytes", title, `"title": "`+strings.Repeat("x", 2<<20)+`"`),
	prints("number-source", "metadata-json", "number", `"maximum": 100`, `"maximum": 1e1000000000`),
	// Names and paths.
	prints("climbs-source", "metadata-schema", "", `"version": "0.1.0"`, `"version": "../../../0.1.0"`),
	{"impostor-source", "name-matches-folder", "good-0-source", func(root, path string) error {
		return fake.Folder{Path: path, Metadata: slim("good-0-source")}.Write(root)
	}},
	holds("gооd-0-source", "folder-name", "lower-case", nil), // two letters are Cyrillic
	holds("$(touch pwned)-source", "folder-name", "lower-case", nil),
	holds("x;touch pwned;-source", "folder-name", "lower-case", nil),
	holds("--output=pwned-source", "folder-name", "lower-case", nil),
	holds("a\x1b[2J\nb-source", "folder-name", "lower-case", nil),
	{"link-source", "folder-is-folder", "links are not followed", func(root, path string) error {
		return os.Symlink("good-0-source", filepath.Join(root, path))
	}},
	// Files that are none, or lie elsewhere.
	holds("outer-makefile-source", "makefile-include", "leaves the repository", map[string]string{"Makefile": "include ../../../../secret\nbuild test:\n"}),
	holds("first-makefile-source", "makefile", "make reads GNUmakefile", map[string]string{"GNUmakefile": "build test:\n\t@touch pwned\n"}),
	holds("pipe-makefile-source", "makefile-include", "is no file", map[string]string{"own.mk": "|", "Makefile": "include own.mk\nbuild test:\n"}),
	holds("linked-makefile-source", "makefile-include", "escapes", map[string]string{"own.mk": "->../../../../secret", "Makefile": "include own.mk\nbuild test:\n"}),
	holds("linked-readme-source", "readme", "escapes", map[string]string{".gitignore": "README.md\n", "README.md": "->../../../../secret"}),
	holds("pipe-readme-source", "readme", "is no file", map[string]string{"README.md": "|"}),
	holds("pipe-bats-source", "test-programs", "is no file", map[string]string{"x.bats": "|"}),
	holds("pipe-waivers-source", "waivers", "is no file", map[string]string{"waivers.json": "|"}),
	holds("pipe-go-source", "go-files", "is no file", map[string]string{"x.go": "|"}),
	holds("linked-go-source", "go-files", "is no file", map[string]string{"x.go": "->/dev/stdout"}),
	holds("linked-data-source", "inputs", "leaves the connector's folder", map[string]string{"data": "->../../../../secret"}),
	{"sparse-source", "inputs", "holds 1099511627776 bytes", func(root, path string) error {
		if err := (fake.Folder{Path: path}).Write(root); err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(root, path, "hole"))
		if err != nil {
			return err
		}
		return errors.Join(f.Truncate(1<<40), f.Close())
	}},
	tests("report-source", "test-run", "escapes", `@ln -s /dev/zero "$$PATCHBAY_REPORT_DIR/x.xml"`),
	holds("linked-program-source", "build", "no executable program", map[string]string{"Makefile": "build:\n\t@ln -s /bin/true '$(BIN)'\ntest:\n"}),
	// What reaches for others.
	tests("meddles-source", "inputs-changed", "changed since it was built", "@date >notes; echo ok 1"),
	tests("curious-source", "test-run", "status 2", "@env; env >&2; false"),
	tests("forges-source", "test-run", "status 2", "@echo 'good-0-source [build] x'; echo '  fix: x'; echo '10 passed, 0 failed'; false"),
}

// idlers do no harm but that they do not end.
var idlers = []culprit{
	runs("dawdles-source", "answers-in-time", "all answers together", `[ "$1" != metadata ] || exec cat "$folder/metadata.json"; sleep 2; exit 1`),
	runs("hangs-source", "metadata-in-time", "did not end in time", "trap '' TERM; while :; do sleep 1; done"),
	runs("hangs-later-source", "answers-in-time", "nothing more was tried", `[ "$1" != metadata ] || exec cat "$folder/metadata.json"; sleep 600`),
	tests("hangs-test-source", "test-run", "did not end in time", "@sleep 600"),
	holds("hangs-build-source", "build", "did not end in time", map[string]string{"Makefile": "build:\n\tsleep 600\ntest:\n"}),
}

// doubling defines schemas of which each asks twice for the next.
func doubling(levels int) string {
	text := "{"
	for i := range levels {
		text += fmt.Sprintf(`"d%d": {"allOf": [{"$ref": "#/definitions/d%d"}, {"$ref": "#/definitions/d%d"}]}, `, i, i+1, i+1)
	}
	return text + fmt.Sprintf(`"d%d": {}}`, levels)
}
