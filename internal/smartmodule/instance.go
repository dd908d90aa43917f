package smartmodule

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero/api"
)

// An instance is a module's code with a memory of its own. After an error that is no *refusal it is in no known state.
type instance struct {
	host     *host
	module   api.Module
	memory   api.Memory
	alloc    api.Function
	dealloc  api.Function // nil if the module has none
	function api.Function // the transform
	stack    [3]uint64    // arguments and results of the call under way
}

var (
	errOverdue = errors.New("the module did not end in time and was stopped")
	errAlloc   = errors.New("the module's alloc gave memory that it does not have")
	errAnswer  = errors.New("the module's answer lies outside its memory")
	errLarge   = errors.New("the module's answer is too large")
	errNone    = errors.New("the module ended without an answer")
	errTwice   = errors.New("the module handed back more than one answer")
)

// codes of functions that say more by copy_records.
const (
	initUserError     = -2
	lookBackUserError = -99
)

// transform calls the transform and has its answer read, see take.
func (i *instance) transform(ctx context.Context, input []byte, read func(answer []byte) error) error {
	code, err := i.call(ctx, i.function, input)
	switch {
	case err != nil:
		return err
	case code < 0:
		return &refusal{code: code}
	case i.host.calling.copies == 0:
		return errNone
	}
	return i.take(read)
}

// initialise calls init.
func (i *instance) initialise(ctx context.Context, input []byte) error {
	return i.tell(ctx, exportInit, input, initUserError)
}

// lookBack calls look_back.
func (i *instance) lookBack(ctx context.Context, input []byte) error {
	return i.tell(ctx, exportLookBack, input, lookBackUserError)
}

// tell calls a function that answers only when something is wrong.
func (i *instance) tell(ctx context.Context, name string, input []byte, userError int32) error {
	code, err := i.call(ctx, i.module.ExportedFunction(name), input)
	if err != nil || code >= 0 {
		return err
	}
	refused := &refusal{code: code}
	if code == userError && i.host.calling.copies > 0 {
		if err := i.take(func(text []byte) (err error) {
			refused.hint, err = decodeHint(text)
			return err
		}); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", name, refused)
}

// call hands input to a function of the module, which owns it from then on, and returns what the function does.
func (i *instance) call(ctx context.Context, f api.Function, input []byte) (int32, error) {
	i.host.begin(ctx)
	i.stack[0] = uint64(len(input))
	if err := i.alloc.CallWithStack(context.Background(), i.stack[:]); err != nil {
		return 0, i.host.explain(err)
	}
	pointer := uint32(i.stack[0])
	if !i.memory.Write(pointer, input) {
		return 0, errAlloc
	}
	i.host.calling.copies = 0 // alloc hands back nothing
	i.stack = [3]uint64{uint64(pointer), uint64(len(input)), version}
	if err := f.CallWithStack(context.Background(), i.stack[:]); err != nil {
		return 0, i.host.explain(err)
	}
	if i.host.calling.copies > 1 {
		return 0, errTwice
	}
	return int32(uint32(i.stack[0])), nil
}

// take has the answer read where it lies, in the module's memory, and frees it there. After read it is the module's again.
func (i *instance) take(read func(answer []byte) error) error {
	pointer, length := i.host.calling.pointer, i.host.calling.length
	if uint64(length) > uint64(i.host.limits.Answer) {
		return errLarge
	}
	b, ok := i.memory.Read(pointer, length)
	if !ok {
		return errAnswer
	}
	if err := read(b); err != nil || i.dealloc == nil || length == 0 {
		return err
	}
	return i.free(pointer, length)
}

func (i *instance) close() error { return i.module.Close(context.Background()) }

// explain reduces the error of a call to one line: without the stack, which names functions of the runtime, and with what
// the module wrote to standard error last, where its language reports a panic.
func (h *host) explain(err error) error {
	for _, known := range []error{errOverdue, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known
		}
	}
	reason := "the module failed: " + firstLine(err)
	if said := h.calling.stderr.String(); said != "" {
		reason += ": " + said
	}
	return errors.New(reason)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if _, trap, ok := strings.Cut(line, "wasm error: "); ok {
		line = trap
	}
	return strings.TrimSuffix(line, " (recovered by wazero)")
}

// tail keeps the beginning of what a module writes to standard error: a report of a panic begins with its reason.
type tail struct{ b []byte }

const tailSize = 300

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	if len(t.b) < tailSize {
		t.b = append(t.b, p[:min(len(p), tailSize-len(t.b))]...)
	}
	return len(p), nil
}

func (t *tail) reset() { t.b = t.b[:0] }

// String returns it in one line.
func (t *tail) String() string { return strings.Join(strings.Fields(string(t.b)), " ") }
