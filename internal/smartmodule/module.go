package smartmodule

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// MaxFile is how large a module's file may be. Those written in Rust have some 100 KB, those written in Go 2 to 4 MB.
const MaxFile = 64 << 20

// Kind says what a module makes of a record. The words are the names of the exports.
type Kind string

// The kinds of modules.
const (
	Filter    Kind = "filter"     // keeps the record or drops it
	Map       Kind = "map"        // makes another one of it
	FilterMap Kind = "filter_map" // makes another one of it, or drops it
	ArrayMap  Kind = "array_map"  // makes any number of records of it
	Aggregate Kind = "aggregate"  // makes one record of it and of what the records before it have come to
)

// kinds are in the order in which an export decides the kind of a module that has several.
var kinds = []Kind{Filter, Map, FilterMap, ArrayMap, Aggregate}

const (
	exportAlloc    = "alloc"
	exportDealloc  = "dealloc"
	exportInit     = "init"
	exportLookBack = "look_back"
	exportMemory   = "memory"

	importModule = "env"
	importCopy   = "copy_records"
	wasiModule   = "wasi_snapshot_preview1"
)

// A Module is a file that keeps to the interface, not compiled yet. It is safe for concurrent use.
type Module struct {
	digest      func() [sha256.Size]byte // of the file
	layout      *layout
	copyRecords uint32 // the function's number
	kind        Kind
	wasi        bool
	init        bool
	lookBack    bool
}

// Kind returns what the module makes of records.
func (m *Module) Kind() Kind { return m.kind }

// Digest returns the SHA-256 of the file, in hexadecimal digits.
func (m *Module) Digest() string {
	sum := m.digest()
	return hex.EncodeToString(sum[:])
}

// HasLookBack reports whether the module can be shown earlier records.
func (m *Module) HasLookBack() bool { return m.lookBack }

// Parse reads a file, which it keeps, and checks that it keeps to the interface. It runs nothing, compiles nothing and takes
// no time. The error is one line that says what is missing.
func Parse(file []byte) (*Module, error) {
	l, err := readLayout(file)
	if err != nil {
		return nil, err
	}
	copyRecords := slices.Index(l.imports, imported{importModule, importCopy})
	if copyRecords < 0 {
		return nil, errors.New("it is no SmartModule: it does not import env.copy_records")
	}
	m := &Module{layout: l, copyRecords: uint32(copyRecords)}
	m.digest = sync.OnceValue(func() [sha256.Size]byte { return sha256.Sum256(file) })
	if err := m.checkImports(l); err != nil {
		return nil, err
	}
	if err := m.checkExports(l); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Module) checkImports(l *layout) error {
	for i, imp := range l.imports {
		switch {
		case imp == imported{importModule, importCopy}:
			if t := l.functions[i]; int(t) >= len(l.types) || l.types[t] != "\x7f\x7f-" {
				return errors.New("it imports env.copy_records with another type than (i32, i32)")
			}
		case imp.module == wasiModule:
			m.wasi = true
		default:
			return fmt.Errorf("it imports %s.%s, which is not part of the SmartModule interface", imp.module, imp.name)
		}
	}
	return nil
}

// Types of the exports.
const (
	transformType = "\x7f\x7f\x7f-\x7f" // pointer, length, version; number of records, or an error code
	allocType     = "\x7f-\x7f"
	deallocType   = "\x7f\x7f-"
)

func (m *Module) checkExports(l *layout) error {
	if e, ok := l.exports[exportMemory]; !ok || e.kind != externMemory {
		return errors.New("it is no SmartModule: it does not export its memory")
	}
	has := func(name, want string) (bool, error) {
		if _, ok := l.exports[name]; !ok {
			return false, nil
		}
		if t, ok := l.signature(name); !ok || t != want {
			return false, fmt.Errorf("it exports %s with another type than that of the SmartModule interface", name)
		}
		return true, nil
	}
	alloc, err := has(exportAlloc, allocType)
	if err != nil {
		return err
	}
	if !alloc {
		return errors.New("it is no SmartModule: it does not export alloc")
	}
	if _, err := has(exportDealloc, deallocType); err != nil {
		return err
	}
	for _, kind := range kinds {
		if _, ok := l.exports[string(kind)]; ok {
			m.kind = kind
			break
		}
	}
	if m.kind == "" {
		return fmt.Errorf("it is no SmartModule: it exports none of %s", strings.Join(words(kinds), ", "))
	}
	if _, err := has(string(m.kind), transformType); err != nil {
		return err
	}
	if m.init, err = has(exportInit, transformType); err != nil {
		return err
	}
	m.lookBack, err = has(exportLookBack, transformType)
	return err
}

func words(kinds []Kind) (words []string) {
	for _, kind := range kinds {
		words = append(words, string(kind))
	}
	return words
}

// Supported returns an error on a machine for which code cannot be compiled. Interpreting it would be a hundred times slower.
func Supported() error {
	switch runtime.GOARCH {
	case "amd64", "arm64":
		return nil
	}
	return fmt.Errorf("SmartModules need a processor of type amd64 or arm64, this one is %s", runtime.GOARCH)
}
