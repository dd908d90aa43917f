package common

import (
	"fmt"
	"io"

	"github.com/patchbay-dev/patchbay/internal/transport/stdio"
)

// ackDescriptor names the descriptor that a driven sink answers on.
const ackDescriptor = "PATCHBAY_ACK_FD"

// openLink speaks the link protocol with the program that drives this one. The driver keeps positions and dead letters.
func (o *opening) openLink(e *endpoint) error {
	_, _, _, d, _ := o.flags.parts()
	if o.sources {
		w := stdio.NewLinkWriter(o.w.stdin, o.w.stdout)
		e.writer, e.store, e.dead, e.status, e.stop = w, w.Store(), w.Dead, w.Status, w.Stopped()
		e.broken = w.Err
		e.close = append(e.close, w.Close)
		return nil
	}
	var out io.Writer = o.w.stdout
	value, _ := o.w.lookupEnv(ackDescriptor)
	acks, err := stdio.OpenAcks(value)
	if err != nil {
		return &usageError{fmt.Errorf("%s: %w", ackDescriptor, err)}
	}
	if acks != nil {
		out = acks
		e.close = append(e.close, acks.Close)
	}
	r := stdio.NewLinkReader(o.w.stdin, out, d.MaxInFlight)
	e.reader, e.dead, e.status, e.stop = r, r.Dead, r.Status, r.Stopped()
	e.close = append(e.close, r.Close)
	return nil
}
