package main

// #cgo CFLAGS: -I${SRCDIR}/crc
// #cgo LDFLAGS: -L${SRCDIR}/build -lcrc
// #include "crc.h"
import "C"

import "unsafe"

// checksum is computed by the C library, which the build rule makes.
func checksum(bytes []byte) uint32 {
	return uint32(C.crc_of(unsafe.Pointer(unsafe.SliceData(bytes)), C.size_t(len(bytes))))
}
