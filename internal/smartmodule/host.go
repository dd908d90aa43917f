package smartmodule

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// A host holds the compiled code of a module and makes instances of it, one at a time.
type host struct {
	limits  Limits
	runtime wazero.Runtime
	cache   wazero.CompilationCache // nil for none
	code    wazero.CompiledModule
	freeing freeing
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

// newHost provides the code of a module: from the cache, else by compiling it, which ends with ctx. A cache that is damaged or
// cannot be used is no reason to fail.
func newHost(ctx context.Context, m *Module, o Options) (*host, error) {
	var kept *cache
	if o.Cache != "" {
		kept, _ = openCache(o.Cache, m)
	}
	if kept != nil {
		if h := kept.load(m, o.Limits); h != nil {
			return h, nil
		}
	}
	code, err := m.layout.meter(m.copyRecords)
	if err != nil {
		return nil, err
	}
	ctx = experimental.WithCompilationWorkers(ctx, max(2, runtime.GOMAXPROCS(0))) // one alone does not look at ctx
	if kept != nil {
		if h, err := kept.compile(ctx, m, code, o.Limits); err == nil {
			return h, nil
		}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("stopped: %w", context.Cause(ctx))
	}
	h, err := compile(ctx, m, code, o.Limits, "")
	if err != nil {
		return nil, errors.New(firstLine(err))
	}
	return h, nil
}

// compile makes a host of a binary. The engine keeps machine code in the folder, unless that is empty.
func compile(ctx context.Context, m *Module, binary []byte, limits Limits, folder string) (h *host, err error) {
	config := wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false).WithMemoryLimitPages(uint32(limits.Memory / page))
	h = &host{limits: limits}
	if folder != "" {
		if h.cache, err = wazero.NewCompilationCacheWithDir(folder); err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(h.cache)
	}
	h.runtime = wazero.NewRuntimeWithConfig(context.Background(), config)
	if err = h.provide(m); err == nil {
		h.code, err = h.runtime.CompileModule(ctx, binary)
	}
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// provide makes the functions that modules import.
func (h *host) provide(m *Module) error {
	ctx, i32 := context.Background(), api.ValueTypeI32
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
