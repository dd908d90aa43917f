// Command native-source is a source that counts with a library written in C.
package main

// #include "counter.h"
import "C"

import (
	"context"
	"strconv"

	"github.com/patchbay-dev/patchbay/common"
)

func main() {
	common.RunSource(common.Info{
		Name: "native-source", Version: "0.1.0", Category: "Testing",
		Description: "Counts with a library written in C.",
		Examples:    []common.Example{{Title: "Count to three", Args: []string{"--topic", "-", "--count", "3"}}},
	}, &Native{})
}

// Native holds the options that only this connector has.
type Native struct {
	Count int `help:"Where to stop." default:"1" min:"1"`
}

// Run counts.
func (n *Native) Run(ctx context.Context, out common.Output) error {
	for i := C.ulong(0); i < C.ulong(n.Count); {
		i = C.counter_next(i)
		if err := out.Send(ctx, common.Record{Value: strconv.AppendUint(nil, uint64(i), 10)}); err != nil {
			return err
		}
	}
	return nil
}
