//go:build wasip1

// Command mask is a SmartModule that hides fields of JSON objects: the value of each field that the parameter fields lists,
// separated by commas, becomes "***".
package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/patchbay-dev/patchbay/examples/smartmodules/guest"
)

var fields []string

//go:wasmexport init
func initialise(pointer, size, _ uint32) int32 {
	return guest.Init(pointer, size, func(params map[string]string) error {
		if params["fields"] == "" {
			return errors.New("the parameter fields is missing: name the fields to hide, as in fields=email,phone")
		}
		fields = strings.Split(params["fields"], ",")
		return nil
	})
}

//go:wasmexport map
func mapRecords(pointer, size, _ uint32) int32 { return guest.Map(pointer, size, mask) }

func mask(r guest.Record) (guest.Record, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(r.Value, &object); err != nil || object == nil {
		return r, errors.New("the record is not a JSON object")
	}
	for _, field := range fields {
		if _, ok := object[field]; ok {
			object[field] = json.RawMessage(`"***"`)
		}
	}
	value, err := json.Marshal(object)
	r.Value = value
	return r, err
}

func main() {}
