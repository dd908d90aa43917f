package kps

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

// A writer writes each record as a TransportMessage, whose payload is the value of the record; its other fields have no place
// there. A record settles when the server has its message.
type writer struct {
	transport.Writer
	failed  func(error) // hears of each record that was not published; it must not block
	working func()      // hears that records are published again after one was not; likewise

	broken atomic.Bool
}

// Write implements transport.Writer.
func (w *writer) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	when := rec.Time
	if when.IsZero() {
		when = time.Now()
	}
	body, err := proto.Marshal(&pb.TransportMessage{Timestamp: when.UnixNano(), Payload: [][]byte{rec.Value}})
	if err != nil {
		return &transport.Rejected{Err: err}
	}
	err = w.Writer.Write(ctx, record.Record{Value: body}, func(err error) {
		w.note(err)
		settled(err)
	})
	if err != nil && ctx.Err() == nil {
		w.note(err)
	}
	return err
}

// note hears of the fate of each record.
func (w *writer) note(err error) {
	switch {
	case err != nil:
		w.broken.Store(true)
		w.failed(err)
	case w.broken.Load() && w.broken.CompareAndSwap(true, false):
		w.working()
	}
}

// Resume implements transport.Resumer.
func (w *writer) Resume() {
	if r, ok := w.Writer.(transport.Resumer); ok {
		r.Resume()
	}
}

var _ transport.Resumer = (*writer)(nil)
