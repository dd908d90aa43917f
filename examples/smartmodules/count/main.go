//go:build wasip1

// Command count is a SmartModule that numbers records: the value of each becomes how many there have been, itself included.
// It is an aggregate, so the connector keeps the number across restarts.
package main

import (
	"strconv"

	"github.com/patchbay-dev/patchbay/examples/smartmodules/guest"
)

//go:wasmexport aggregate
func aggregate(pointer, size, _ uint32) int32 {
	return guest.Aggregate(pointer, size, func(accumulator []byte, _ guest.Record) ([]byte, error) {
		n := 0
		if len(accumulator) > 0 {
			var err error
			if n, err = strconv.Atoi(string(accumulator)); err != nil {
				return nil, err
			}
		}
		return strconv.AppendInt(nil, int64(n+1), 10), nil
	})
}

func main() {}
