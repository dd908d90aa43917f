package plugin

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/plugin/c1"
)

const (
	// maxPageBytes keeps a page below the 4 MiB that a gRPC server takes unless it says otherwise.
	maxPageBytes = 3 << 20
	// pageWait is how long a page that is not full waits for more.
	pageWait = 500 * time.Millisecond
)

// pages is a transport.Writer that gathers records to pages and hands one after the other to the host. A record is settled
// once the host has answered its page. An answer that is an error is final: c1 knows no other outcome than a failed sync.
type pages struct {
	shaper *shaper
	size   int // objects in a page
	host   c1.CallbackHandlerClient

	in      chan item
	flushes chan chan struct{}
	ctx     context.Context // ends with Close
	close   context.CancelFunc
	done    chan struct{} // closed when nothing more is handed over; count is then complete
	count   count
	failed  error // why the sync has failed; then the host gets no more
}

// count is what the host has taken.
type count struct{ upserts, deletes, pages int }

// An item is a record on its way.
type item struct {
	object  *c1.DataObject
	bytes   int // in a page
	deleted bool
	settled func(error)
}

func newPages(s *shaper, size int, host c1.CallbackHandlerClient) *pages {
	p := &pages{
		shaper: s, size: size, host: host,
		in: make(chan item), flushes: make(chan chan struct{}), done: make(chan struct{}),
	}
	p.ctx, p.close = context.WithCancel(context.Background())
	go p.run()
	return p
}

// Write implements transport.Writer.
func (p *pages) Write(ctx context.Context, rec record.Record, settled func(error)) error {
	object, err := p.shaper.object(ctx, rec)
	if err != nil {
		return &transport.Rejected{Err: err}
	}
	const framing = 8 // tag and length of an object in its page, at most
	it := item{object, proto.Size(object) + framing, rec.Op == record.Delete, settled}
	select {
	case p.in <- it:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ctx.Done():
		return os.ErrClosed
	}
}

// Flush implements transport.Writer.
func (p *pages) Flush(ctx context.Context) error {
	flushed := make(chan struct{})
	select {
	case p.flushes <- flushed: // only once everything before is in a page
	case <-p.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-flushed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close implements transport.Writer. A call to the host that is under way is broken off.
func (p *pages) Close() error {
	p.close()
	<-p.done
	return nil
}

// run gathers and hands over. It ends with ctx, and settles everything that it was given.
func (p *pages) run() {
	defer close(p.done)
	var page []item
	bytes := 0
	wait := time.NewTimer(pageWait)
	defer wait.Stop()
	send := func() {
		p.send(page)
		page, bytes = nil, 0
	}
	for {
		due := wait.C
		if len(page) == 0 {
			due = nil
		}
		select {
		case it := <-p.in:
			if len(page) > 0 && bytes+it.bytes > maxPageBytes {
				send()
			}
			if len(page) == 0 {
				wait.Reset(pageWait)
			}
			page, bytes = append(page, it), bytes+it.bytes
			if len(page) >= p.size || p.failed != nil {
				send()
			}
		case <-due:
			send()
		case flushed := <-p.flushes:
			send()
			close(flushed)
		case <-p.ctx.Done():
			for _, it := range page {
				it.settled(os.ErrClosed)
			}
			return
		}
	}
}

// send hands a page over and settles its records.
func (p *pages) send(page []item) {
	if len(page) == 0 {
		return
	}
	objects := make([]*c1.DataObject, len(page))
	for i, it := range page {
		objects[i] = it.object
	}
	if p.failed == nil {
		if _, err := p.host.Upsert(p.ctx, &c1.SyncResponse{Response: objects}); err != nil {
			err = fmt.Errorf("the host did not take a page of %d objects: %s", len(page), reason(err, page))
			p.failed = &transport.Rejected{Err: err}
		} else {
			p.count.add(page)
		}
	}
	for _, it := range page {
		it.settled(p.failed)
	}
}

// add adds a page that the host has taken.
func (c *count) add(page []item) {
	c.pages++
	for _, it := range page {
		if it.deleted {
			c.deletes++
		} else {
			c.upserts++
		}
	}
}

// reason is what the host says, and what to do about it where that is known.
func reason(err error, page []item) string {
	text := status.Convert(err).Message()
	if status.Code(err) == codes.ResourceExhausted && len(page) == 1 && page[0].bytes > maxPageBytes {
		text += "; a --map or --filter of the connector makes the record smaller, or drops it"
	}
	return text
}

var _ transport.Writer = (*pages)(nil)
