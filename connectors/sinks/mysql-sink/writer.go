package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

// A writer writes the batches of one session, through one connection.
type writer struct {
	*plan
	db      *sql.DB
	timeout time.Duration // of a transaction
}

func (w *writer) close() { _ = w.db.Close() } // everything is committed, or comes again

// write writes a batch in one transaction and settles its records. An error is none of theirs, and leaves those that are
// not written as they are. A record that makes no row is refused when its turn has come, so that what is before it has
// been written.
func (w *writer) write(ctx context.Context, b *common.Batch) error {
	var rows []row
	for i := range b.Records {
		r, err := w.row(&b.Records[i])
		if r.record = i; err == nil && r.size > w.table.maxPacket-maxOverhead {
			err = fmt.Errorf("the record needs %d bytes, and the server's max_allowed_packet is %d", r.size, w.table.maxPacket)
		}
		if err == nil {
			rows = append(rows, r)
			continue
		}
		if err := w.settle(ctx, b, rows); err != nil {
			return err
		}
		rows = nil
		b.Fail(i, common.Permanent(err))
	}
	return w.settle(ctx, b, rows)
}

// maxOverhead is room for what a message holds beside the values of a row.
const maxOverhead = 16 << 10

// settle writes rows in one transaction, and acknowledges their records. If the data is to blame, it writes one half after
// the other, and so on, until it has the records that are: these go to the error policy.
func (w *writer) settle(ctx context.Context, b *common.Batch, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	err := w.transact(ctx, w.statements(rows))
	switch {
	case err == nil:
		for i := range rows {
			b.AckRecord(rows[i].record)
		}
		return nil
	case blameFor(err) != blameData:
		return judge(fmt.Errorf("write to table %s: %w", w.table.name, err))
	case len(rows) == 1:
		b.Fail(rows[0].record, common.Permanent(fmt.Errorf("table %s refuses the record: %s", w.table.name, oneLine(err))))
		return nil
	}
	half := len(rows) / 2
	if err := w.settle(ctx, b, rows[:half]); err != nil {
		return err
	}
	return w.settle(ctx, b, rows[half:])
}

// transact runs statements as one transaction.
func (w *writer) transact(ctx context.Context, statements []statement) error {
	late := fmt.Errorf("not done within the timeout of %s", w.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, w.timeout, late)
	defer cancel()
	err := w.run(ctx, statements)
	if err != nil && errors.Is(context.Cause(ctx), late) {
		return late
	}
	return err
}

func (w *writer) run(ctx context.Context, statements []statement) error {
	if len(statements) == 1 { // a transaction of its own, without being told so
		_, err := w.db.ExecContext(ctx, statements[0].text, statements[0].args...)
		return err
	}
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			_ = tx.Rollback() // a transaction that is not committed is gone, whether this succeeds or not
			return err
		}
	}
	return tx.Commit()
}
