// Package link implements the link protocol, by which one program drives a connector as a child process: lines of JSON
// that carry records one way and acknowledgements the other. docs/link-protocol.md is its specification.
//
// AppendFrame and ParseFrame are the codec. Conn is one end of a running link, for either side. StartSource and StartSink
// run a connector's executable and drive it. The package is a leaf: it knows records and nothing else.
package link

// Version is the version of the protocol that this package speaks.
const Version = 1

// MaxLine is the longest line, in bytes, that may be sent. A longer one is an error of whoever sends it.
const MaxLine = 64 << 20

// AckFD is the environment variable that names the descriptor on which a sink writes its frames.
const AckFD = "PATCHBAY_ACK_FD"
