package smartmodule

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// cached lists the files under a folder.
func cached(tb testing.TB, folder string) (files []string) {
	tb.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		tb.Fatal(err)
	}
	return files
}

// try starts the module with a cache and runs it once.
func try(tb testing.TB, file []byte, cache string) {
	tb.Helper()
	m, err := Parse(file)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := m.Start(tb.Context(), Options{Cache: cache})
	if err != nil {
		tb.Fatal(err)
	}
	same(tb, run(tb, r, "a"), []string{":v"})
	if err := r.Close(); err != nil {
		tb.Fatal(err)
	}
}

func TestCache(t *testing.T) {
	file := answering(Map, 1, reply([]made{{value: []byte("v")}}, nil, nil)).binary()
	t.Run("keeps the code of a module in a folder named by its digest", func(t *testing.T) {
		cache := filepath.Join(t.TempDir(), "a", "b")
		try(t, file, cache)
		files := cached(t, cache)
		m, err := Parse(file)
		if err != nil || len(files) != 1 || filepath.Dir(filepath.Dir(files[0])) != filepath.Join(cache, m.Digest()) {
			t.Fatalf("files %q, %v", files, err)
		}
		before, err := os.Stat(files[0])
		if err != nil {
			t.Fatal(err)
		}
		try(t, file, cache)
		if after, err := os.Stat(files[0]); err != nil || !os.SameFile(before, after) {
			t.Errorf("it was written again: %v", err)
		}
	})
	t.Run("never takes a skeleton for its module", func(t *testing.T) {
		m, err := Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		root := filepath.Join(t.TempDir(), "cache")
		c, err := openCache(root, m)
		if err != nil {
			t.Fatal(err)
		}
		if h := c.load(m, Limits{}.withDefaults()); h != nil {
			t.Error(h.close(), "loaded what was never compiled")
		}
		if files := cached(t, root); len(files) != 0 {
			t.Errorf("it holds %q", files)
		}
		try(t, file, root)
		h := c.load(m, Limits{}.withDefaults())
		if h == nil {
			t.Fatal("what was compiled is not loaded")
		}
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("is left as it was by a start that is stopped", func(t *testing.T) {
		m, err := Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		root := filepath.Join(t.TempDir(), "cache")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("enough"))
		r, err := m.Start(ctx, Options{Cache: root})
		if err == nil || err.Error() != "stopped: enough" {
			t.Error(err, r.Close())
		}
		if files := cached(t, root); len(files) != 0 {
			t.Errorf("it holds %q", files)
		}
	})
	t.Run("loses what killed compilations left, when another compiles", func(t *testing.T) {
		root := filepath.Join(t.TempDir(), "cache")
		try(t, file, root)
		kept := cached(t, root)
		if len(kept) != 1 {
			t.Fatalf("it holds %q", kept)
		}
		put := func(age time.Duration, path ...string) string {
			t.Helper()
			folder := filepath.Join(append([]string{root}, path...)...)
			code := filepath.Join(folder, "code")
			then := time.Now().Add(-age)
			err := os.MkdirAll(folder, 0o700)
			for _, step := range []func() error{
				func() error { return os.WriteFile(code, []byte("half"), 0o600) },
				func() error { return os.Chtimes(folder, then, then) },
			} {
				if err == nil {
					err = step()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			return code
		}
		digest := filepath.Dir(filepath.Dir(kept[0]))
		put(2*abandoned, filepath.Base(digest), "new1")
		put(2*abandoned, "another", "new2")
		kept = append(kept, put(0, "another", "new3"), put(2*abandoned, "another", "wazero"))
		try(t, file, root)
		if got := cached(t, root); len(got) != 5 {
			t.Errorf("a start that compiles nothing has looked for it: %q", got)
		}
		other := answering(Map, 1, reply([]made{{value: []byte("v")}}, nil, nil))
		other.data = append(other.data, 0)
		try(t, other.binary(), root)
		got := slices.DeleteFunc(cached(t, root), func(path string) bool {
			return !slices.Contains(kept, path) && !strings.Contains(path, "new") // the module that was compiled
		})
		slices.Sort(kept)
		if slices.Sort(got); !slices.Equal(got, kept) {
			t.Errorf("it holds %q, want %q", got, kept)
		}
	})
	t.Run("is made anew when it is damaged", func(t *testing.T) {
		cache := t.TempDir()
		if err := os.Chmod(cache, 0o700); err != nil {
			t.Fatal(err)
		}
		try(t, file, cache)
		path := cached(t, cache)[0]
		code, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code[len(code)/2] ^= 0xff
		if err := os.WriteFile(path, code, 0o600); err != nil {
			t.Fatal(err)
		}
		try(t, file, cache)
		if left := cached(t, cache); len(left) != 0 {
			t.Errorf("%q is still there", left)
		}
		try(t, file, cache)
		if len(cached(t, cache)) != 1 {
			t.Error("it is not made anew")
		}
	})
	t.Run("is not used when others can write it", func(t *testing.T) {
		cache := t.TempDir()
		if err := os.Chmod(cache, 0o777); err != nil {
			t.Fatal(err)
		}
		try(t, file, cache)
		if files := cached(t, cache); len(files) != 0 {
			t.Errorf("it holds %q", files)
		}
	})
	t.Run("is not used behind a symbolic link", func(t *testing.T) {
		target, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		try(t, file, link)
		if files := cached(t, target); len(files) != 0 {
			t.Errorf("it holds %q", files)
		}
	})
	t.Run("is not needed where there is no place for it", func(t *testing.T) {
		occupied := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(occupied, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		try(t, file, filepath.Join(occupied, "cache"))
		readOnly := t.TempDir()
		if err := os.Chmod(readOnly, 0o500); err != nil { // root may write there nevertheless
			t.Fatal(err)
		}
		try(t, file, readOnly)
	})
}
