//go:build wasip1

package main

import "github.com/patchbay-dev/patchbay/examples/smartmodules/guest"

//go:wasmexport map
func exportMap(pointer, size, _ uint32) int32 {
	return guest.Map(pointer, size, func(r guest.Record) (guest.Record, error) {
		made, err := act(r)
		if err != nil {
			return guest.Record{}, err
		}
		return made[0], nil
	})
}
