//go:build wasip1

// Package guest is all that a SmartModule in Go needs. A module is a program that exports one transform and may export init
// and look_back, under these names:
//
//	//go:wasmexport map
//	func mapRecords(pointer, size, version uint32) int32 {
//		return guest.Map(pointer, size, func(r guest.Record) (guest.Record, error) {
//			r.Value = bytes.ToUpper(r.Value)
//			return r, nil
//		})
//	}
//
//	func main() {} // never called
//
// and is built by GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o NAME.wasm. The memory of a module
// lives as long as its instance: a package variable that init sets is there for every record.
package guest
