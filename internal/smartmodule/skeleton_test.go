package smartmodule

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/tetratelabs/wazero"
)

// metered is a module with all that meter looks at: loops, one in another, calls of both sorts, and functions without either.
func metered() assembly {
	loops := op(opLoop, blockEmpty, opLoop, blockEmpty, opEnd, opEnd)
	return assembly{functions: []function{
		alloc, transform(Map, loops, constant(1), constant(2), call(0), constant(0)),
		{"", "-", op(opLoop, blockEmpty, opEnd)},
		{"", "-", cat(constant(2), op(opCallIndirect, 4, 0))},
	}}
}

// TestMeterVersion pins what meter does to the number that stands for it in the names of compiled code: code that was metered
// otherwise must not be run.
func TestMeterVersion(t *testing.T) {
	m, err := Parse(metered().binary())
	if err != nil {
		t.Fatal(err)
	}
	code, err := m.layout.meter(m.copyRecords)
	if err != nil {
		t.Fatal(err)
	}
	const version, digest = 1, "6b4d0cf437e4370e"
	sum := sha256.Sum256(code)
	if got := hex.EncodeToString(sum[:8]); meterVersion != version || got != digest {
		t.Errorf("meter makes another binary, %s: raise meterVersion, which is %d, and write both down here", got, meterVersion)
	}
}

func TestSkeleton(t *testing.T) {
	m, err := Parse(metered().binary())
	if err != nil {
		t.Fatal(err)
	}
	skeleton, err := m.layout.skeleton(m.digest())
	if err != nil {
		t.Fatal(err)
	}
	other, err := m.layout.skeleton([sha256.Size]byte{1})
	if err != nil || bytes.Equal(skeleton, other) {
		t.Errorf("modules of one form have the same skeleton, %v", err)
	}
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	compiled, err := runtime.CompileModule(ctx, skeleton)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := compiled.ExportedFunctions()[exportAlloc]; !ok || len(compiled.ExportedMemories()) != 1 {
		t.Error("it lacks exports")
	}
}

func TestSkeletonsOfMalformedCode(t *testing.T) {
	for _, section := range [][]byte{nil, {0x80}, {0xff, 0xff, 0xff, 0xff, 0x0f}, {2, 0}} {
		if _, err := hollowCode(section); err == nil {
			t.Errorf("% x is taken for code", section)
		}
	}
}
