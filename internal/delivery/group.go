package delivery

import "sync"

// A group settles once, when all of its members have: with nil, else with the first error.
type group struct {
	mu      sync.Mutex
	open    int
	err     error
	settled func(error)
}

func newGroup(n int, settled func(error)) *group { return &group{open: n, settled: settled} }

func (g *group) settle(err error) {
	g.mu.Lock()
	if g.err == nil {
		g.err = err
	}
	g.open--
	done, err := g.open == 0, g.err
	g.mu.Unlock()
	if done {
		g.settled(err)
	}
}
