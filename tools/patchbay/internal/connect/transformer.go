package connect

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
)

// A builder makes the chain of a transformer.
type builder struct {
	subject string // what a mapping sees as $topic
	onError string
	log     *slog.Logger
	// dial connects to the NATS of a service.
	dial func(*natsConfig) (*nats.Conn, error)
}

// chain returns nil for no transformer.
func (b builder) chain(t *transformer) (*chain, error) {
	if t == nil {
		return nil, nil
	}
	c := &chain{fail: newFail(b.onError, b.log)}
	if err := b.add(c, *t); err != nil {
		return nil, fmt.Errorf("transformer.%w", err)
	}
	return c, nil
}

// add appends the stages of a transformer.
func (b builder) add(c *chain, t transformer) error {
	given := 0
	for _, is := range []bool{t.Mapping != nil, t.Explode != nil, t.Combine != nil, t.Service != nil, t.Composite != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("? give exactly one of mapping, explode, combine, service and composite; several go into composite.sequential")
	}
	var s stage
	var err error
	switch {
	case t.Mapping != nil:
		s, err = c.newMapping(t.Mapping, b.subject)
	case t.Explode != nil:
		s, err = c.newExplode(t.Explode)
	case t.Combine != nil:
		s, err = c.newCombine(t.Combine)
	case t.Service != nil:
		s, err = b.service(c, t.Service)
	default:
		if len(t.Composite.Sequential) == 0 {
			return errors.New("composite.sequential: there is no transformer in it")
		}
		for i, part := range t.Composite.Sequential {
			if err := b.add(c, part); err != nil {
				return fmt.Errorf("composite.sequential[%d].%w", i, err)
			}
		}
		return nil
	}
	c.stages = append(c.stages, s)
	return err
}

func (b builder) service(c *chain, s *service) (stage, error) {
	timeout, err := s.check()
	if err != nil {
		return nil, err
	}
	nc, err := b.dial(s.NATS)
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	return c.newService(nc, s.Endpoint, timeout, b.log), nil
}
