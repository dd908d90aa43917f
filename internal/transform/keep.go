package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/patchbay-dev/patchbay/internal/smartmodule"
)

// Keeps reports whether some step comes to something with every record that later records depend on: whether there is a
// SmartModule that aggregates.
func (c *Chain) Keeps() bool { return len(c.aggregates()) > 0 }

// State returns what each such step has come to, by a name that stays the same as long as the step does the same. It must
// not be changed. Nil means that nothing has come through, and that no step begins with anything.
func (c *Chain) State() map[string]string {
	var s map[string]string
	for name, m := range c.aggregates() {
		if a := m.accumulator(); len(a) > 0 || m.initial != "" { // it may have come from something to nothing
			if s == nil {
				s = map[string]string{}
			}
			s[name] = string(a)
		}
	}
	return s
}

// Restore makes the steps go on from a State; those that it does not hold begin anew. It tells in words for people what of it
// belongs to none of the steps. Nothing may be applied meanwhile.
func (c *Chain) Restore(s map[string]string) (notes []string) {
	steps := c.aggregates()
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if _, ok := steps[name]; !ok {
			notes = append(notes, "what was saved of an aggregate is dropped: its SmartModule, or a parameter of it, has changed since, "+
				"or it is no longer among the transforms; what took its place begins anew")
		}
	}
	for name, m := range steps {
		accumulator, saved := s[name]
		if !saved {
			accumulator = m.initial
		}
		m.restore([]byte(accumulator))
	}
	return notes
}

// aggregates are the steps that keep something, by their names: the digest of the module with its parameters, and a number
// where several are alike. So neither another place of the file nor other steps beside it make it another step.
func (c *Chain) aggregates() map[string]*module {
	if c == nil {
		return nil
	}
	return c.keeping
}

// addAggregate names a step, if it keeps something.
func (c *Chain) addAggregate(m *module) {
	if m.module.Kind() != smartmodule.Aggregate {
		return
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q", m.module.Digest(), m.options.Params)) // a map is written in the order of its keys
	name := hex.EncodeToString(sum[:8])
	if c.keeping == nil {
		c.keeping = map[string]*module{}
	}
	for n, first := 2, name; c.keeping[name] != nil; n++ {
		name = first + "." + strconv.Itoa(n)
	}
	c.keeping[name] = m
}

func (m *module) accumulator() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.runner == nil {
		return m.options.Accumulator
	}
	return m.runner.Accumulator()
}

func (m *module) restore(accumulator []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.options.Accumulator = accumulator
	if m.runner != nil {
		m.runner.Restore(accumulator)
	}
}
