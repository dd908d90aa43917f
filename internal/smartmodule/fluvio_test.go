package smartmodule

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
)

// TestModulesOfFluviosCrate runs what authors of SmartModules have: modules in Rust on Fluvio's own crate. They are built apart,
// since few machines that test this program have Rust for WebAssembly, and a build takes minutes.
func TestModulesOfFluviosCrate(t *testing.T) {
	folder := os.Getenv("PATCHBAY_FLUVIO_MODULES")
	if folder == "" {
		t.Skip("build them by internal/smartmodule/testdata/fluvio/build.sh FOLDER, then set PATCHBAY_FLUVIO_MODULES=FOLDER")
	}
	tests := []struct {
		kind    Kind
		options Options
		back    []string
		given   []string
		want    []string
	}{
		{
			kind: Filter, options: Options{Params: map[string]string{"word": "a"}, LookBack: &LookBack{Last: 1}}, back: []string{"before", "again"},
			given: []string{"again", "abc", "xyz", "abc", "abc", "\xff"},
			want:  []string{"", "abc", "", "abc", "", "!the module says: "},
		},
		{
			kind:  Map,
			given: []string{"1", " 21\n", "one", "4"}, want: []string{"2", "42", "!the module says: invalid digit", "8"},
		},
		{kind: FilterMap, given: []string{"4", "5", "6"}, want: []string{"2", "", "3"}},
		{kind: ArrayMap, given: []string{"a,b,c", "d", ""}, want: []string{":a+:b+:c", ":d", ":"}},
		{
			kind: Aggregate, options: Options{Accumulator: []byte("100")},
			given: []string{"1", "x", "2"}, want: []string{"101", "!the module says: ", "103"},
		},
	}
	for _, target := range []string{"wasm32-unknown-unknown", "wasm32-wasip1"} {
		for _, tt := range tests {
			t.Run(target+" "+string(tt.kind), func(t *testing.T) {
				file, err := os.ReadFile(filepath.Join(folder, target, string(tt.kind)+".wasm"))
				if err != nil {
					t.Fatal(err)
				}
				r := begin(t, file, tt.options)
				if r.module.Kind() != tt.kind {
					t.Errorf("kind = %s", r.module.Kind())
				}
				var back []Input
				for _, value := range tt.back {
					back = append(back, Input{Value: []byte(value)})
				}
				if len(back) > 0 {
					if err := r.LookBack(t.Context(), back); err != nil {
						t.Fatal(err)
					}
				}
				same(t, run(t, r, tt.given...), tt.want)
			})
		}
	}
	for _, target := range []string{"wasm32-unknown-unknown", "wasm32-wasip1"} {
		t.Run(target+" in memory that stays flat", func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join(folder, target, "map.wasm"))
			if err != nil {
				t.Fatal(err)
			}
			r := begin(t, file, Options{})
			in := make([]Input, 100)
			for i := range in {
				in[i] = Input{Key: "k", Value: []byte("12345")}
			}
			var before int64
			for i := range 2000 {
				if results, err := r.Run(t.Context(), in); err != nil || results[99].Err != nil {
					t.Fatal(results[99], err)
				}
				if i == 200 {
					before = r.MemorySize()
				}
			}
			if after := r.MemorySize(); after > before {
				t.Errorf("the module's memory grew from %d to %d bytes", before, after)
			}
		})
	}
	t.Run("an init that refuses", func(t *testing.T) {
		file, err := os.ReadFile(filepath.Join(folder, "wasm32-unknown-unknown", "filter.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := m.Start(t.Context(), Options{Cache: guests.Cache()}); err == nil {
			t.Error(errors.Join(errors.New("it started without the parameter that it asks for"), r.Close()))
		} else if !strings.Contains(err.Error(), "word") {
			t.Errorf("error = %v, want the name of the parameter", err)
		}
	})
}
