// Package internal holds the gate's own sources as data: what a connector's evidence is worth depends on who examined it.
package internal

import "embed"

// Gate holds the packages that decide what evidence says: those that build a connector's program, run its tests or examine it, and
// what they import of this folder. Of that are left out, so that a change of them runs nothing again: change and evidence, which
// judge what was proved anew in each run; parallel, which decides only when something is done; pretty and replace, which write
// text and files. Beside it the gate is report.Source and schema.Source.
//
//go:embed blackbox/*.go build/*.go configschema/*.go discover/*.go finding/*.go options/*.go probe/*.go proc/*.go rooted/*.go
//go:embed rules/*.go strictjson/*.go suite/*.go
var Gate embed.FS
