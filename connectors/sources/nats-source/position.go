package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A position is the sequence number of the last message that was delivered, and when its stream was made: a stream that is
// deleted and made anew counts from 1 again. A bucket's sequence numbers are its revisions.
type position struct {
	sequence uint64
	created  int64 // in nanoseconds since 1970; 0, in a position that was set by hand, means whichever stream there is
}

// String writes a position as it is saved: SEQUENCE@CREATED.
func (p position) String() string {
	text := strconv.FormatUint(p.sequence, 10)
	if p.created == 0 {
		return text
	}
	return text + "@" + strconv.FormatInt(p.created, 10)
}

// of reports whether a position is one of the stream that was made then and has come to the sequence number last.
func (p position) of(created time.Time, last uint64) bool {
	return p.sequence <= last && (p.created == 0 || p.created == created.UnixNano())
}

// parsePosition reads a saved position.
func parsePosition(text string) (p position, err error) {
	sequence, created, dated := strings.Cut(text, "@")
	if p.sequence, err = strconv.ParseUint(sequence, 10, 64); err == nil && dated {
		p.created, err = strconv.ParseInt(created, 10, 64)
	}
	if err != nil {
		return position{}, fmt.Errorf("the saved position %q is not one that nats-source %s can read; choose another --name, or start "+
			"over with nats-source state reset", text, info.Version)
	}
	return p, nil
}
