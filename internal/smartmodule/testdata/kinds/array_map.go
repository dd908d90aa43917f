//go:build wasip1 && array_map

package main

import "github.com/patchbay-dev/patchbay/examples/smartmodules/guest"

//go:wasmexport array_map
func export(pointer, size, _ uint32) int32 { return guest.ArrayMap(pointer, size, act) }
