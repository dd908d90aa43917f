package link

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// read handles what the other side sends until it ends, then settles what is unsettled.
func (c *Conn) read(lines *LineReader) {
	err := c.handleAll(lines)
	if err == io.EOF {
		c.fail(ErrGone)
	} else {
		c.fail(err)
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
		if r.Last-r.First < int64(2*len(c.sent)) {
			for line := r.First; line <= r.Last; line++ {
				settled = c.take(line, settled)
			}
			continue
		}
		for _, line := range sortedLines(c.sent) {
			if line >= r.First && line <= r.Last {
				settled = c.take(line, settled)
			}
		}
	}
	c.wakeSenders()
	c.mu.Unlock()
	for _, f := range settled {
		f(err)
	}
	c.finishFlushes()
}

// take removes a record or dead letter from what is unsettled and adds its function to settled.
func (c *Conn) take(line int64, settled []func(error)) []func(error) {
	p, ok := c.sent[line]
	if !ok || p.kind == Save {
		return settled
	}
	delete(c.sent, line)
	if p.kind == Rec {
		c.open--
	}
	return append(settled, p.settled)
}

// saved settles the saves up to a line.
func (c *Conn) saved(f *Frame) {
	var err error
	if f.Error != "" {
		err = errors.New(f.Error)
	}
	c.mu.Lock()
	var settled []func(error)
	for _, line := range sortedLines(c.sent) {
		if p := c.sent[line]; p.kind == Save && line <= f.Line {
			delete(c.sent, line)
			settled = append(settled, p.settled)
		}
	}
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
	for line := range c.sent {
		oldest = min(oldest, line)
	}
	c.flushes = slices.DeleteFunc(c.flushes, func(f flush) bool {
		if f.line < oldest {
			close(f.done)
		}
		return f.line < oldest
	})
}

func sortedLines(m map[int64]pending) []int64 { return slices.Sorted(maps.Keys(m)) }
