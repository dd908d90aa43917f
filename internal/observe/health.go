package observe

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Part is something that an instance cannot work without.
type Part uint8

// The parts.
const (
	Session Part = iota // the connector's session runs
	Broker              // the topic is reachable
	System              // the system that is read or written is reachable
	parts
)

// String returns the name of the part.
func (p Part) String() string { return [...]string{"session", "broker", "system"}[p] }

// Up notes that a part works. Where it did already, that costs the reading of a flag.
func (m *Metrics) Up(p Part) {
	if m == nil || m.health.up[p].Load() {
		return
	}
	m.health.set(p, true, "")
}

// Down notes that a part does not work, and why. Where it did not before, the reason is replaced and the time stays.
func (m *Metrics) Down(p Part, err error) {
	if m != nil {
		m.health.set(p, false, err.Error())
	}
}

// health remembers which parts work. Changes are serialised; reading a flag is not.
type health struct {
	now func() time.Time
	up  [parts]atomic.Bool

	mu     sync.Mutex
	since  [parts]time.Time // of being down
	reason [parts]string
}

func newHealth(now func() time.Time) *health {
	h := &health{now: now}
	for p := range h.since {
		h.since[p], h.reason[p] = now(), "starting"
	}
	return h
}

func (h *health) set(p Part, up bool, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.up[p].Swap(up)
	if was && !up {
		h.since[p] = h.now()
	}
	h.reason[p] = reason
}

// A failure is a part that does not work.
type failure struct {
	part   Part
	since  time.Time
	lasts  time.Duration
	reason string
}

// failures lists the parts that do not work.
func (h *health) failures() (list []failure) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for p := range parts {
		if !h.up[p].Load() {
			list = append(list, failure{p, h.since[p], h.now().Sub(h.since[p]), h.reason[p]})
		}
	}
	return list
}

// String is one line about the failure.
func (f failure) String() string {
	return fmt.Sprintf("%s is down since %s (%s): %s", f.part, f.since.UTC().Format(time.RFC3339),
		f.lasts.Round(time.Second), strings.Join(strings.Fields(f.reason), " "))
}
