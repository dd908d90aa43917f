// Package smartmodule runs SmartModules: transforms compiled to WebAssembly for Fluvio, as they are, in this process. It
// speaks version 22 of their binary interface and needs nothing beside a file: no cgo, no server, no other runtime.
//
// # The interface
//
// A module exports its memory, alloc, and one of filter, map, filter_map, array_map and aggregate, which take a pointer, a
// length and the version, and imports env.copy_records, by which it hands back what it has made. It may export dealloc, init
// (called once with the parameters, before any record) and look_back (called with earlier records, after init). Modules for
// wasm32-wasip1 may import WASI preview 1 too: they see the clock and random numbers, an empty file system, no environment
// and no arguments, and what they write goes nowhere, but for the beginning of standard error, which is quoted when they fail.
//
// # Containment
//
// A module reaches nothing but its own memory, which is bounded, as are the time of a call and the size of an answer. What
// breaks a bound or the interface fails the record at fault and costs the module its instance: the next record meets a new
// one. WebAssembly code cannot be interrupted from outside, and a check of the clock in every loop makes it many times
// slower. So the code is given a counter before it is compiled: each turn of a loop, and each call of a function that calls
// others, counts one down, and only at zero does the host look at the clock. That is also when the garbage collector of this
// process, which waits for every thread, gets its turn.
//
// # Starts
//
// Machine code is kept in a cache, see CacheDir. The engine would decode and validate a whole module all the same to find it
// there, which takes longer than everything else. So what it is given on a warm start is the module's skeleton: types, imports,
// exports, memory, globals, tables and data, and for each function an empty one. The code is stored under the skeleton's name, which
// is bound to the digest of the file and to what the counter's pass does, by the start that compiled and so validated it all.
package smartmodule
