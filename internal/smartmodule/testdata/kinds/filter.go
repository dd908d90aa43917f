//go:build wasip1

package main

import "github.com/patchbay-dev/patchbay/examples/smartmodules/guest"

//go:wasmexport filter
func exportFilter(pointer, size, _ uint32) int32 {
	return guest.Filter(pointer, size, func(r guest.Record) (bool, error) {
		made, err := act(r)
		return len(made) > 0, err
	})
}
