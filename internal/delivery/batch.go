package delivery

import (
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/observe"
	"github.com/patchbay-dev/patchbay/internal/transport"
)

// A Batch is some records for a sink to write, in order. What is neither acknowledged nor failed when the sink's Run
// returns is delivered again. Its methods do not block and are safe for concurrent use.
type Batch struct {
	// Records are what to write. They must not be changed.
	Records []record.Record

	mu    sync.Mutex
	items []*item // nil where a record is settled
	open  int     // records that are not settled
	owner settler
	begun observe.Stamp // when it was handed over
}

// A settler learns what became of the records of a batch, and which batch has no open records any more.
type settler interface {
	done(items []*item)
	failed(it *item, err error)
	closed(b *Batch)
}

// An item is one record on its way to the target.
type item struct {
	rec      *record.Record
	parent   *parent
	sequence uint64 // the order in which the topic and the transforms gave it
}

// A parent is a message of the topic; transforms may have made several items of it. It is acknowledged when all are done.
type parent struct {
	message *transport.Message // nil once it is acknowledged: others of the same read may be open for long
	slot    *slot              // of the tracker, where what the transforms aggregate is kept; else nil
	size    int64
	open    int // items that are not done; guarded by the Input's mutex
}

func newBatch(items []*item, owner settler) *Batch {
	b := &Batch{Records: make([]record.Record, len(items)), items: items, open: len(items), owner: owner}
	for i, it := range items {
		b.Records[i] = *it.rec
	}
	return b
}

// Ack settles every record of the batch that has not been settled: the target has it for good.
func (b *Batch) Ack() {
	if done := b.take(); len(done) > 0 {
		b.owner.closed(b)
		b.owner.done(done)
	}
}

// AckRecord settles the record at index i: the target has it for good, whatever becomes of the others. A record that is
// already settled stays as it is.
func (b *Batch) AckRecord(i int) {
	if it := b.takeOne(i); it != nil {
		b.owner.done([]*item{it})
	}
}

// Fail settles the record at index i as not written. Where err is Permanent, the record goes to the error policy; else it
// is delivered again, after a back-off, in a later batch. A record that is already settled stays as it is.
func (b *Batch) Fail(i int, err error) {
	if it := b.takeOne(i); it != nil {
		b.owner.failed(it, err)
	}
}

// takeOne returns the item at index i and marks it as settled; nil if it is already.
func (b *Batch) takeOne(i int) *item {
	b.mu.Lock()
	it := b.items[i]
	b.items[i] = nil
	if it != nil {
		b.open--
	}
	empty := b.open == 0
	b.mu.Unlock()
	if it != nil && empty {
		b.owner.closed(b)
	}
	return it
}

// take returns the items that are not settled and marks them as settled.
func (b *Batch) take() (rest []*item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rest = make([]*item, 0, b.open)
	for i, it := range b.items {
		if it != nil {
			rest = append(rest, it)
			b.items[i] = nil
		}
	}
	b.open = 0
	return rest
}
