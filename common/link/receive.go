package link

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// read handles what the other side sends until it ends, then settles what is unsettled.
func (c *Conn) read(lines *LineReader) {
	err := c.handleAll(lines)
	if err == io.EOF {
		c.fail(ErrGone)
	} else {
		c.fail(fmt.Errorf("%w: %w", ErrBroken, err))
	}
	c.h.End(err)
	close(c.done)
}

func (c *Conn) handleAll(lines *LineReader) error {
	for {
		batch, err := lines.Next()
		if err != nil {
			return err
		}
		for _, line := range batch {
			if line.Torn { // half a frame: its sender died while writing it
				continue
			}
			if err := c.handleLine(line); err != nil {
				return fmt.Errorf("line %d from the other side of the link: %w", line.Number, err)
			}
		}
		if c.h.Batch != nil {
			c.h.Batch()
		}
	}
}

func (c *Conn) handleLine(line Line) error {
	if len(line.Data) == 0 && line.Number > 1 {
		return nil
	}
	f, err := ParseFrame(line.Data)
	if line.Number == 1 && (err != nil || f.Kind != Link) {
		return fmt.Errorf(`it does not speak the link protocol: it began with %s, not with {"link":%d}`,
			excerpt(line.Data), Version)
	}
	if err != nil {
		return err
	}
	return c.handle(line.Number, &f)
}

func (c *Conn) handle(line int64, f *Frame) error {
	switch {
	case f.Kind == Rec && c.h.Record != nil:
		c.h.Record(line, f.Record, f.Attempt)
	case f.Kind == Dead && c.h.Dead != nil:
		c.h.Dead(line, f.Record)
	case f.Kind == Save && c.h.Save != nil:
		c.h.Save(line, f.State)
	case f.Kind == Rec, f.Kind == Dead, f.Kind == Save:
		return fmt.Errorf("a %s frame has no place in this direction", f.Kind)
	case f.Kind == Ack:
		c.settle(f.Lines, nil)
	case f.Kind == Nack:
		c.settle(f.Lines, &NackError{Message: f.Error, Delay: f.Delay, Permanent: f.Permanent})
	case f.Kind == Credit:
		c.credit(f.Credit)
	case f.Kind == Saved:
		c.saved(f)
	case f.Kind == Resume && c.h.Resume != nil:
		c.h.Resume(f.State)
	case f.Kind == Status && c.h.Status != nil:
		c.h.Status(f.Status, f.Error)
	case f.Kind == Stop && c.h.Stop != nil:
		c.h.Stop()
	}
	return nil
}

// maxCredit stands for no limit at all, and keeps sums of credit from overflowing.
const maxCredit = 1 << 30

func (c *Conn) credit(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.granted = min(c.granted+min(n, maxCredit), maxCredit)
	c.wakeSenders()
}

// settle settles records and dead letters. Numbers of lines that wait for no answer are ignored, so that whoever
// acknowledges may say "1-57" and need not tell records from other lines.
func (c *Conn) settle(lines Ranges, err error) {
	var settled []func(error)
	c.mu.Lock()
	for _, r := range lines {
		settled = c.sent.take(r, func(k Kind) bool {
			if k == Rec {
				c.open--
			}
			return k != Save
		}, settled)
	}
	c.wakeSenders()
	c.mu.Unlock()
	for _, f := range settled {
		f(err)
	}
	c.finishFlushes()
}

// saved settles the saves up to a line.
func (c *Conn) saved(f *Frame) {
	var err error
	if f.Error != "" {
		err = errors.New(f.Error)
	}
	c.mu.Lock()
	settled := c.sent.take(Range{0, f.Line}, func(k Kind) bool { return k == Save }, nil)
	c.mu.Unlock()
	for _, f := range settled {
		f(err)
	}
	c.finishFlushes()
}

// finishFlushes ends the calls of Flush for which everything is settled.
func (c *Conn) finishFlushes() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.flushes) == 0 {
		return
	}
	oldest := int64(1<<63 - 1)
	if c.sent.open > 0 {
		oldest = c.sent.oldest()
	}
	c.flushes = slices.DeleteFunc(c.flushes, func(f flush) bool {
		if f.line < oldest {
			close(f.done)
		}
		return f.line < oldest
	})
}
