package discover

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Makefiles are read as text, not asked through make -p: that would run their $(shell …) before anything was checked, and
// costs a process each. What text cannot follow is refused with a message instead of guessed.

var (
	ruleLine    = regexp.MustCompile(`^([A-Za-z0-9_./ -]+?)\s*::?(?:[^=:]|$)`)
	includeLine = regexp.MustCompile(`^(-|s)?include\s+(.+)$`)
)

// makefiles returns the Makefile of a folder and every file that it includes, relative to root, and beside each the
// targets it has of those that the generator uses.
func makefiles(root, folder string) (files []string, rules [][]string, err error) {
	queue := []string{folder + "/Makefile"}
	for len(queue) > 0 {
		file := queue[0]
		queue = queue[1:]
		if slices.Contains(files, file) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return nil, nil, err
		}
		targets, includes, err := parse(text, file == folder+"/Makefile")
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		files, rules = append(files, file), append(rules, targets)
		for _, include := range includes {
			// make resolves an include from the folder it runs in, wherever the line stands.
			next := path.Join(folder, include)
			if path.IsAbs(include) || strings.HasPrefix(next, "../") {
				return nil, nil, fmt.Errorf("%s: include %s leaves the repository", file, include)
			}
			queue = append(queue, next)
		}
	}
	return files, rules, nil
}

// parse finds the targets and includes of one makefile. In a connector's own Makefile (strict) an include that holds a
// variable is an error; in a shared one it is left to the shared one's author, who knows that its files are inputs.
func parse(text []byte, strict bool) (targets, includes []string, err error) {
	lines := bufio.NewScanner(bytes.NewReader(bytes.ReplaceAll(text, []byte("\\\n"), []byte(" "))))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		line = strings.TrimRight(line, " ")
		if strings.HasPrefix(line, "\t") {
			continue
		}
		if m := includeLine.FindStringSubmatch(strings.TrimLeft(line, " ")); m != nil {
			if strings.Contains(m[2], "$") {
				if strict {
					return nil, nil, fmt.Errorf("cannot follow %q", strings.TrimSpace(line))
				}
				continue
			}
			if m[1] == "" {
				includes = append(includes, strings.Fields(m[2])...)
			}
			continue
		}
		if m := ruleLine.FindStringSubmatch(line); m != nil {
			for _, target := range strings.Fields(m[1]) {
				if target == "build" || target == "metadata" || target == "test" {
					targets = append(targets, target)
				}
			}
		}
	}
	return targets, includes, lines.Err()
}
