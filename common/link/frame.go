package link

import (
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
)

// A Kind says what a frame is. In JSON it is the name of the member that makes the frame.
type Kind string

// The kinds of frames, with the fields of Frame that each uses.
const (
	Link   Kind = "link"   // Version; the first line in each direction
	Rec    Kind = "record" // Record, Attempt
	Dead   Kind = "dead"   // Record
	Ack    Kind = "ack"    // Lines
	Nack   Kind = "nack"   // Lines, Error, Delay, Permanent
	Credit Kind = "credit" // Credit
	Stop   Kind = "stop"
	Resume Kind = "resume" // State
	Save   Kind = "save"   // State
	Saved  Kind = "saved"  // Line, Error
	Status Kind = "status" // Status, Error
)

var kinds = []Kind{Link, Rec, Dead, Ack, Nack, Credit, Stop, Resume, Save, Saved, Status}

// A Frame is one line of the protocol. A frame without a Kind is one that this version does not know and that is ignored.
type Frame struct {
	Kind      Kind
	Version   int
	Record    record.Record
	Attempt   int // how often the record was delivered, this time included; ParseFrame never returns less than 1
	State     State
	Lines     Ranges
	Line      int64
	Credit    int
	Status    string
	Error     string
	Delay     time.Duration // carried in whole milliseconds
	Permanent bool
}

// A State is what a source keeps of its progress. To the driver it is opaque: what the last Save held is handed back by
// the next Resume. It has the fields of internal/state.State, so that one converts to the other.
type State struct {
	Connector string
	Identity  string            // fingerprint of the options that name what is read
	Epoch     string            // changes when positions are set by hand
	Positions map[string]string // where to resume, by partition
	// Aggregates are what transforms of the source had come to at these positions, of any bytes; nil for none.
	Aggregates map[string]string
}

// The states of a connector that a status frame tells.
const (
	Connecting = "connecting" // not ready yet, for the first time
	Ready      = "ready"      // connected, records can flow
	Retrying   = "retrying"   // failed, about to try again; the error says why
	Failed     = "failed"     // gives up; the error says why
)
