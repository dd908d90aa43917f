//go:build wasip1

package main

import "github.com/patchbay-dev/patchbay/examples/smartmodules/guest"

//go:wasmexport filter_map
func exportFilterMap(pointer, size, _ uint32) int32 {
	return guest.FilterMap(pointer, size, func(r guest.Record) (*guest.Record, error) {
		made, err := act(r)
		if len(made) == 0 {
			return nil, err
		}
		return &made[0], nil
	})
}
