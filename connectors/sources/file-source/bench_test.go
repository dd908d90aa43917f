package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

// BenchmarkRead reads a file of 64 MiB in lines of several lengths, without delivery.
func BenchmarkRead(b *testing.B) {
	for _, length := range []int{16, 128, 1024} {
		b.Run(strconv.Itoa(length), func(b *testing.B) {
			const size = 64 << 20
			path := filepath.Join(b.TempDir(), "a.log")
			line := append(bytes.Repeat([]byte{'x'}, length-1), '\n')
			if err := os.WriteFile(path, bytes.Repeat(line, size/length), 0o600); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				out := &discard{}
				if err := commontest.Options[File](b, "--path", path).Run(b.Context(), out); err != nil {
					b.Fatal(err)
				}
				if out.records != size/length {
					b.Fatalf("read %d lines of %d", out.records, size/length)
				}
			}
			b.ReportMetric(float64(size/length)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// A discard counts records.
type discard struct{ records int }

func (d *discard) Position(string) string { return "" }
func (d *discard) Partitions() []string   { return nil }
func (d *discard) Send(_ context.Context, recs ...common.Record) error {
	d.records += len(recs)
	return nil
}

func (d *discard) Deliver(ctx context.Context, recs ...common.Record) error {
	return d.Send(ctx, recs...)
}
func (d *discard) Advance(context.Context, string, string) error { return nil }
func (d *discard) Forget(context.Context, string) error          { return nil }
func (d *discard) Ready()                                        {}
func (d *discard) Once() bool                                    { return true }

var _ common.Output = (*discard)(nil)
