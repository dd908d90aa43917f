package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// isGlob reports whether a path stands for any number of files.
func isGlob(path string) bool { return strings.ContainsAny(path, `*?[\`) }

// match returns the paths that a pattern names and that are not excluded, sorted. Folders are no files; everything else is
// for open to judge.
func match(pattern string, exclude []string) ([]string, error) {
	found, err := expand(filepath.Clean(pattern))
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(path string) bool {
		info, err := os.Stat(path)
		return errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() && isGlob(pattern) || excluded(path, exclude)
	})
	slices.Sort(found)
	return slices.Compact(found), nil
}

// expand is filepath.Glob with ** for any number of folders. Links to folders are not entered below a **.
func expand(pattern string) ([]string, error) {
	if !isGlob(pattern) {
		return []string{pattern}, nil
	}
	before, after, ok := cutDoubleStar(pattern)
	if !ok {
		return filepath.Glob(pattern)
	}
	roots, err := expand(before)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.IsDir() {
				return nil // a folder that cannot be read, or that has just gone, holds no files for us
			}
			below, err := expand(filepath.Join(quoteGlob(path), after))
			found = append(found, below...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// cutDoubleStar splits a pattern around its first ** that stands alone between slashes.
func cutDoubleStar(pattern string) (before, after string, ok bool) {
	parts := strings.Split(pattern, "/")
	i := slices.Index(parts, "**")
	if i < 0 {
		return "", "", false
	}
	before, after = strings.Join(parts[:i], "/"), strings.Join(parts[i+1:], "/")
	switch {
	case i == 0:
		before = "."
	case before == "":
		before = "/"
	}
	if after == "" {
		after = "*"
	}
	return before, after, true
}

var globSigns = regexp.MustCompile(`[*?\[\\]`)

func quoteGlob(path string) string { return globSigns.ReplaceAllString(path, `\$0`) }

func excluded(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		name := path
		if !strings.Contains(pattern, "/") {
			name = filepath.Base(path)
		}
		ok, _ := filepath.Match(pattern, name)
		return ok
	})
}

// What log rotation adds to a name: a number or a date at the end, or a date before the extension.
var (
	rotationSuffix = regexp.MustCompile(`[._-][0-9][0-9T._:-]*Z?$`)
	rotationDate   = regexp.MustCompile(`^[._-][0-9]{4}-?[0-9]{2}-?[0-9]{2}[0-9T._:-]*Z?$`)
)

// isRotated reports whether name is what log rotation makes of base.
func isRotated(name, base string) bool {
	if rest, ok := strings.CutPrefix(name, base); ok {
		return rest != "" && rotationSuffix.FindString(rest) == rest
	}
	extension := filepath.Ext(base)
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(base, extension))
	if !ok || extension == "" {
		return false
	}
	rest, ok = strings.CutSuffix(rest, extension)
	return ok && rotationDate.MatchString(rest)
}

// rotationBase returns the path that a rotated file had before, if its name shows that.
func rotationBase(path string) (string, bool) {
	dir, name := filepath.Split(path)
	at := rotationSuffix.FindStringIndex(name)
	if at == nil || at[0] == 0 {
		return "", false
	}
	return dir + name[:at[0]], true
}

// A sibling is a file that stands beside a path, or beside what the path links to.
type sibling struct {
	path    string
	info    os.FileInfo
	rotated bool // its name is what log rotation makes of the path's
}

// siblings lists the regular files beside a path, the oldest first. While a file is renamed, a list may hold it under
// neither name; so it is made again until it stays the same.
func siblings(path string) []sibling {
	found := listSiblings(path)
	for range 10 {
		again := listSiblings(path)
		same := slices.EqualFunc(found, again, func(a, b sibling) bool {
			return a.path == b.path && identify(a.info) == identify(b.info)
		})
		if found = again; same {
			break
		}
	}
	slices.SortFunc(found, func(a, b sibling) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), compareRotated(a.path, b.path))
	})
	return found
}

// listSiblings lists the regular files beside a path once, by name.
func listSiblings(path string) []sibling {
	places := []string{path}
	if real, err := filepath.EvalSymlinks(path); err == nil && filepath.Dir(real) != filepath.Dir(path) {
		places = append(places, real)
	}
	var found []sibling
	for _, place := range places {
		dir, base := filepath.Split(place)
		entries, err := os.ReadDir(filepath.Clean(dir))
		if err != nil {
			continue // nothing can be found there
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err == nil && info.Mode().IsRegular() {
				found = append(found, sibling{filepath.Join(dir, entry.Name()), info, isRotated(entry.Name(), base)})
			}
		}
	}
	return found
}

var rotationNumber = regexp.MustCompile(`\.([0-9]{1,4})$`)

// compareRotated orders files by their names, the oldest first, where the times of their last changes are equal: numbers
// count up from the newest file, dates go on.
func compareRotated(a, b string) int {
	m, n := rotationNumber.FindStringSubmatch(a), rotationNumber.FindStringSubmatch(b)
	if m == nil || n == nil {
		return cmp.Compare(a, b)
	}
	first, _ := strconv.Atoi(m[1])
	second, _ := strconv.Atoi(n[1])
	return cmp.Or(cmp.Compare(second, first), cmp.Compare(a, b))
}
