//go:build wasip1

package main

import "github.com/patchbay-dev/patchbay/examples/smartmodules/guest"

//go:wasmexport array_map
func exportArrayMap(pointer, size, _ uint32) int32 { return guest.ArrayMap(pointer, size, act) }
