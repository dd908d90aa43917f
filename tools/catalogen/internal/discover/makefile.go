package discover

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/rooted"
)

// Makefiles are read as text, not asked through make -p: that would run their $(shell …) before anything was checked, and
// costs a process each. What text cannot follow is refused with a message instead of guessed.

var (
	ruleLine    = regexp.MustCompile(`^([A-Za-z0-9_./ -]+?)\s*::?(?:[^=:]|$)`)
	includeLine = regexp.MustCompile(`^(-|s)?include\s+(.+)$`)
)

// maxMakefile is how many bytes a makefile may hold.
const maxMakefile = 1 << 20

// makefiles returns the Makefile of a folder and every file that it includes, relative to root, and beside each the
// targets it has of those that the generator uses. What -include names need not be there.
func makefiles(root, folder string) (files []string, rules [][]string, err error) {
	queue := []string{folder + "/Makefile"}
	optional := map[string]bool{}
	for len(queue) > 0 {
		file := queue[0]
		queue = queue[1:]
		if slices.Contains(files, file) {
			continue
		}
		text, err := rooted.Read(root, file, maxMakefile)
		if optional[file] && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("it includes %s, which is not there", file)
		}
		if err != nil {
			return nil, nil, err
		}
		m, err := parse(text, strings.HasPrefix(file, folder+"/"))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		files, rules = append(files, file), append(rules, m.targets)
		for i, include := range slices.Concat(m.includes, m.optional) {
			// make resolves an include from the folder it runs in, wherever the line stands.
			next := path.Join(folder, include)
			if path.IsAbs(include) || strings.HasPrefix(next, "../") {
				return nil, nil, fmt.Errorf("%s: include %s leaves the repository", file, include)
			}
			optional[next] = i >= len(m.includes)
			queue = append(queue, next)
		}
	}
	return files, rules, nil
}

// A makefile is what the generator reads of one: the targets it knows, and the files that make reads too.
type makefile struct{ targets, includes, optional []string }

// parse reads one makefile. In a connector's own (strict) an include that holds a variable is an error; in a shared one it is
// left to the shared one's author, who knows that its files are inputs.
func parse(text []byte, strict bool) (makefile, error) {
	var found makefile
	lines := bufio.NewScanner(bytes.NewReader(bytes.ReplaceAll(text, []byte("\\\n"), []byte(" "))))
	lines.Buffer(nil, maxMakefile)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimRight(line, " ")
		if strings.HasPrefix(line, "\t") {
			continue
		}
		if m := includeLine.FindStringSubmatch(strings.TrimLeft(line, " ")); m != nil {
			if strings.Contains(m[2], "$") {
				if strict {
					return found, fmt.Errorf("cannot follow %q", strings.TrimSpace(line))
				}
				continue
			}
			if m[1] == "" {
				found.includes = append(found.includes, strings.Fields(m[2])...)
			} else {
				found.optional = append(found.optional, strings.Fields(m[2])...)
			}
			continue
		}
		if m := ruleLine.FindStringSubmatch(line); m != nil {
			for _, target := range strings.Fields(m[1]) {
				if target == "build" || target == "test" {
					found.targets = append(found.targets, target)
				}
			}
		}
	}
	return found, lines.Err()
}
