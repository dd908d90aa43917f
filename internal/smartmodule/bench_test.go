package smartmodule

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/patchbay-dev/patchbay/internal/smartmodule/guests"
)

// benchRecords are 100 records of 300 bytes with the usual mixture of types.
func benchRecords() []Input {
	const head = `{"n":42,"x":1234567,"y":"a short string","id":"7f1c2a90-33d1-4c57-9a5e-0d4f2f3b6c11","price":19.95,` +
		`"active":true,"tags":["red","green","blue"],"at":"2026-03-04T05:06:07.089Z",` +
		`"owner":{"name":"Ada Lovelace","email":"ada@example.com"},"note":"`
	records := make([]Input, batchRecords)
	for i := range records {
		records[i].Value = fmt.Appendf(nil, "%s%0*d\"}", head, 300-len(head)-2, 0)
	}
	return records
}

var benchGuests = []struct {
	name, folder string
	params       map[string]string
}{
	{"contains", guests.Contains, map[string]string{"text": "ada@example.com"}},
	{"mask", guests.Mask, map[string]string{"fields": "id,owner"}},
}

// BenchmarkRun is to be read beside BenchmarkBareGuest: the time of a record, in batches of 100.
func BenchmarkRun(b *testing.B) {
	for _, bb := range benchGuests {
		b.Run(bb.name, func(b *testing.B) {
			batches(b, guests.Bytes(b, bb.folder), bb.params, func(results []Result) bool { return results[0].Err == nil })
		})
	}
}

// BenchmarkHost is the time that is not the guest's: of a record, in batches of 100, through a module that does nothing.
func BenchmarkHost(b *testing.B) {
	for _, kind := range []Kind{Filter, Map} {
		b.Run(string(kind), func(b *testing.B) {
			batches(b, echoing(kind).binary(), nil, func(results []Result) bool { return len(results[len(results)-1].Out) == 1 })
		})
	}
}

// batches runs a module on batches of 100 records, each of whose results must be right, and reports the time of a record.
func batches(b *testing.B, file []byte, params map[string]string, right func([]Result) bool) {
	m, err := Parse(file)
	if err != nil {
		b.Fatal(err)
	}
	r, err := m.Start(context.Background(), Options{Params: params})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	records := benchRecords()
	b.ReportAllocs()
	begin := cpu(b)
	for b.Loop() {
		results, err := r.Run(context.Background(), records)
		if err != nil || !right(results) {
			b.Fatal(err, results)
		}
	}
	perRecord(b, begin)
}

// cpu returns the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perRecord reports the processor time of a record: that of the wall says little where others compute too.
func perRecord(b *testing.B, begin time.Duration) {
	b.ReportMetric(float64(cpu(b)-begin)/float64(b.N)/batchRecords, "cpu-ns/record")
}

// BenchmarkBareGuest is the guest's own time: the file as it is, an input that was encoded before, an answer that nobody
// reads, and no bounds.
func BenchmarkBareGuest(b *testing.B) {
	for _, bb := range benchGuests {
		b.Run(bb.name, func(b *testing.B) {
			ctx := context.Background()
			rt := wazero.NewRuntime(ctx)
			defer rt.Close(ctx)
			var pointer, length uint64
			i32 := api.ValueTypeI32
			if _, err := rt.NewHostModuleBuilder("env").NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, s []uint64) {
				pointer, length = s[0], s[1]
			}), []api.ValueType{i32, i32}, nil).Export("copy_records").Instantiate(ctx); err != nil {
				b.Fatal(err)
			}
			wasi_snapshot_preview1.MustInstantiate(ctx, rt)
			module, err := rt.InstantiateWithConfig(ctx, guests.Bytes(b, bb.folder), wazero.NewModuleConfig().WithStartFunctions("_initialize"))
			if err != nil {
				b.Fatal(err)
			}
			call := func(name string, input []byte) {
				stack := []uint64{uint64(len(input)), 0, 0}
				if err := module.ExportedFunction("alloc").CallWithStack(ctx, stack); err != nil {
					b.Fatal(err)
				}
				module.Memory().Write(uint32(stack[0]), input)
				stack[1], stack[2] = uint64(len(input)), version
				if err := module.ExportedFunction(name).CallWithStack(ctx, stack); err != nil || int32(stack[0]) < 0 {
					b.Fatal(err, int32(stack[0]))
				}
			}
			call("init", appendParams(nil, bb.params, nil))
			name := "map"
			if bb.name == "contains" {
				name = "filter"
			}
			input := appendInput(nil, 0, benchRecords())
			begin := cpu(b)
			for b.Loop() {
				call(name, input)
				if err := module.ExportedFunction("dealloc").CallWithStack(ctx, []uint64{pointer, length}); err != nil {
					b.Fatal(err)
				}
			}
			perRecord(b, begin)
		})
	}
}

// BenchmarkWarmStart is the time from a file that was run before to a module at work.
func BenchmarkWarmStart(b *testing.B) {
	for _, bb := range benchGuests {
		b.Run(bb.name, func(b *testing.B) {
			file, cache := guests.Bytes(b, bb.folder), b.TempDir()
			start := func() {
				m, err := Parse(file)
				if err != nil {
					b.Fatal(err)
				}
				r, err := m.Start(context.Background(), Options{Params: bb.params, Cache: cache})
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			start() // compiles
			begin := cpu(b)
			for b.Loop() {
				start()
			}
			b.ReportMetric(float64(cpu(b)-begin)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
}

// BenchmarkMeter is the time that the counter adds to a start.
func BenchmarkMeter(b *testing.B) {
	file := guests.Bytes(b, guests.Mask)
	m, err := Parse(file)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := m.layout.meter(m.copyRecords); err != nil {
			b.Fatal(err)
		}
	}
}
