package smartmodule

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// A host holds the compiled code of a module and makes instances of it, one at a time.
type host struct {
	limits  Limits
	runtime wazero.Runtime
	cache   wazero.CompilationCache // nil for none
	code    wazero.CompiledModule
	calling calling
}

// calling is the call that is under way.
type calling struct {
	ctx      context.Context
	deadline time.Time
	copies   int // of an answer, one at the most
	pointer  uint32
	length   uint32
	stderr   tail
}

// newHost compiles a module. A cache that is damaged or cannot be used is no reason to fail.
func newHost(m *Module, o Options) (*host, error) {
	code, err := m.layout.meter(m.copyRecords)
	if err != nil {
		return nil, err
	}
	if o.Cache != "" {
		folder := filepath.Join(o.Cache, m.Digest())
		if cache, err := openCache(o.Cache, folder); err == nil {
			h, err := compile(m, code, o.Limits, cache)
			if err == nil {
				return h, nil
			}
			_ = os.RemoveAll(folder) // it is made anew next time; else this tells the same as without a cache, below
		}
	}
	return compile(m, code, o.Limits, nil)
}

func compile(m *Module, code []byte, limits Limits, cache wazero.CompilationCache) (*host, error) {
	ctx := context.Background()
	config := wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false).WithMemoryLimitPages(uint32(limits.Memory / page))
	if cache != nil {
		config = config.WithCompilationCache(cache)
	}
	h := &host{limits: limits, runtime: wazero.NewRuntimeWithConfig(ctx, config), cache: cache}
	err := h.provide(ctx, m)
	if err == nil {
		h.code, err = h.runtime.CompileModule(ctx, code)
	}
	if err != nil {
		return nil, errors.Join(errors.New(firstLine(err)), h.close())
	}
	return h, nil
}

// provide makes the functions that modules import.
func (h *host) provide(ctx context.Context, m *Module) error {
	i32 := api.ValueTypeI32
	_, err := h.runtime.NewHostModuleBuilder(importModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(h.copyRecords), []api.ValueType{i32, i32}, nil).Export(importCopy).Instantiate(ctx)
	if err == nil && m.wasi {
		_, err = wasi_snapshot_preview1.Instantiate(ctx, h.runtime)
	}
	return err
}

// copyRecords is what a module calls to hand back an answer, which is read when the call is over, and what the counter in
// its code calls to be stopped.
func (h *host) copyRecords(_ context.Context, stack []uint64) {
	c := &h.calling
	pointer, length := uint32(stack[0]), uint32(stack[1])
	if pointer == tick && length == tick {
		if err := c.ctx.Err(); err != nil {
			panic(err)
		}
		if time.Now().After(c.deadline) {
			panic(errOverdue)
		}
		return
	}
	c.copies++
	c.pointer, c.length = pointer, length
}

func (h *host) close() error {
	err := h.runtime.Close(context.Background())
	if h.cache != nil {
		err = errors.Join(err, h.cache.Close(context.Background()))
	}
	return err
}

// begin notes that a call begins.
func (h *host) begin(ctx context.Context) {
	h.calling.ctx, h.calling.deadline = ctx, time.Now().Add(h.limits.Call)
	h.calling.copies = 0
	h.calling.stderr.reset()
}

// instantiate makes an instance, which runs the code that a module begins with.
func (h *host) instantiate(ctx context.Context) (*instance, error) {
	h.begin(ctx)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithStderr(&h.calling.stderr).
		WithSysWalltime().WithSysNanotime().WithRandSource(rand.Reader)
	module, err := h.runtime.InstantiateModule(context.Background(), h.code, config)
	if err != nil {
		return nil, fmt.Errorf("the module does not start: %w", h.explain(err))
	}
	i := &instance{
		host: h, module: module, memory: module.Memory(),
		alloc: module.ExportedFunction(exportAlloc), dealloc: module.ExportedFunction(exportDealloc),
	}
	for _, kind := range kinds {
		if i.function = module.ExportedFunction(string(kind)); i.function != nil {
			break
		}
	}
	return i, nil
}
