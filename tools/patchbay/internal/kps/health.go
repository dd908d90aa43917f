package kps

import (
	"sync"

	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// A health tells how a stream is whenever that changes: it is healthy while its connector works and its channel is reached.
type health struct {
	stream string
	events *events

	mu        sync.Mutex
	running   bool // the connector is meant to run
	connected bool // it has said that it works
	child     error
	channel   error
	told      string
}

// started notes a new connector, which has not said anything yet.
func (h *health) started() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running, h.connected, h.child, h.told = true, false, nil, ""
	h.events.status(h.stream, streamStarted, pb.State_STATE_PROVISIONED, "the connector is started", nil)
}

// stopped notes that there is no connector to judge by.
func (h *health) stopped() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = false
}

// connector notes how the connector is doing: nil means well.
func (h *health) connector(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connected, h.child = h.connected || err == nil, err
	h.tell()
}

// reach notes whether the channel can be reached: nil means yes.
func (h *health) reach(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.channel = err
	h.tell()
}

// tell says what is news. The mutex is held.
func (h *health) tell() {
	reason := h.channel
	if reason == nil {
		reason = h.child
	}
	switch {
	case !h.running:
	case reason == nil && !h.connected:
	case reason == nil && h.told != streamHealthy:
		h.told = streamHealthy
		h.events.status(h.stream, streamHealthy, pb.State_STATE_HEALTHY, "records flow", nil)
	case reason != nil && h.told != streamUnhealthy+reason.Error():
		h.told = streamUnhealthy + reason.Error()
		h.events.status(h.stream, streamUnhealthy, pb.State_STATE_UNHEALTHY, "records do not flow", reason)
	}
}
