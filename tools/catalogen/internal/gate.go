// Package internal holds the gate's own sources as data: what a connector's evidence is worth depends on who examined it.
package internal

import "embed"

// Gate holds the packages that run a connector's tests or examine its program.
//
//go:embed blackbox/*.go options/*.go probe/*.go proc/*.go rooted/*.go rules/*.go strictjson/*.go suite/*.go
var Gate embed.FS
