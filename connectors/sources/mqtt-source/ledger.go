package main

import (
	"sync"
	"time"
)

// A ledger holds the messages that the server is owed an acknowledgement for. The protocol wants these in the order in
// which the messages came (MQTT 5.0, section 4.6), so that one that is not delivered holds back those behind it. It is
// safe for concurrent use.
type ledger struct {
	acknowledge func(m *owed) // called in order, with the mutex held; it does not block

	mu   sync.Mutex
	owed []*owed // in the order in which they came
	ids  map[uint16]bool
	open int // of these, those that may still be delivered
	done chan struct{}
}

func newLedger(acknowledge func(m *owed)) *ledger {
	return &ledger{acknowledge: acknowledge, ids: map[uint16]bool{}}
}

// An owed message is one with QoS 1 or 2.
type owed struct {
	id      uint16
	qos     byte
	settled bool // delivered
}

// add notes a message. nil means that the server has sent it again before it was acknowledged, on the same connection.
func (l *ledger) add(id uint16, qos byte) *owed {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ids[id] {
		return nil
	}
	l.ids[id] = true
	m := &owed{id: id, qos: qos}
	l.owed = append(l.owed, m)
	l.open++
	return m
}

// settle notes what became of a message, and acknowledges what can be.
func (l *ledger) settle(m *owed, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.settled = err == nil
	for len(l.owed) > 0 && l.owed[0].settled {
		l.acknowledge(l.owed[0])
		delete(l.ids, l.owed[0].id)
		l.owed = l.owed[1:]
	}
	if l.open--; l.open == 0 && l.done != nil {
		close(l.done)
		l.done = nil
	}
}

// wait waits until it is known of every message what became of it, or until the time is over.
func (l *ledger) wait(d time.Duration) {
	l.mu.Lock()
	if l.open == 0 {
		l.mu.Unlock()
		return
	}
	l.done = make(chan struct{})
	done := l.done
	l.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
