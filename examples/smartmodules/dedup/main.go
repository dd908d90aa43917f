//go:build wasip1

// Command dedup is a SmartModule that drops records whose value it has seen among the last ones, of which the parameter count
// says how many, 100 without it. It looks back, so that it knows at the start what is in the topic already.
package main

import (
	"errors"
	"strconv"

	"github.com/patchbay-dev/patchbay/examples/smartmodules/guest"
)

var (
	seen = map[string]bool{}
	last []string // what is in seen, in a ring
	next int      // the oldest of last
)

//go:wasmexport init
func initialise(pointer, size, _ uint32) int32 {
	return guest.Init(pointer, size, func(params map[string]string) error {
		count := 100
		if text, ok := params["count"]; ok {
			var err error
			if count, err = strconv.Atoi(text); err != nil || count < 1 {
				return errors.New("the parameter count must be a positive number")
			}
		}
		last = make([]string, 0, count)
		return nil
	})
}

//go:wasmexport look_back
func lookBack(pointer, size, _ uint32) int32 {
	return guest.LookBack(pointer, size, func(r guest.Record) error {
		isNew(r)
		return nil
	})
}

//go:wasmexport filter
func filter(pointer, size, _ uint32) int32 {
	return guest.Filter(pointer, size, func(r guest.Record) (bool, error) { return isNew(r), nil })
}

// isNew reports whether a record was not seen lately, and remembers it.
func isNew(r guest.Record) bool {
	value := string(r.Value)
	if seen[value] {
		return false
	}
	seen[value] = true
	if len(last) < cap(last) {
		last = append(last, value)
		return true
	}
	delete(seen, last[next])
	last[next] = value
	next = (next + 1) % len(last)
	return true
}

func main() {}
