//go:build wasip1

package main

import "github.com/patchbay-dev/patchbay/examples/smartmodules/guest"

//go:wasmexport aggregate
func exportAggregate(pointer, size, _ uint32) int32 {
	return guest.Aggregate(pointer, size, func(accumulator []byte, r guest.Record) ([]byte, error) {
		made, err := act(r)
		if err != nil {
			return nil, err
		}
		return append(append([]byte(nil), accumulator...), made[0].Value...), nil
	})
}
