package link

import (
	"errors"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
)

// driven is what Source and Sink have in common: a child, and a goroutine that calls the functions of its Command so that
// they do not hold up records.
type driven struct {
	*process
	jobs    chan func()
	working sync.WaitGroup
}

func newDriven(p *process) *driven {
	d := &driven{process: p, jobs: make(chan func(), 64)}
	d.working.Go(func() {
		for job := range d.jobs {
			job()
		}
	})
	return d
}

// finish is called when the link has ended with err. It waits for the child and returns what is worth telling.
func (d *driven) finish(err error, c *Conn) error {
	d.await(err)
	c.Close()
	d.closeFiles()
	close(d.jobs)
	d.working.Wait()
	return d.outcome(err)
}

// handler returns what source and sink have in common. conn gives the Conn once it is made.
func (d *driven) handler(conn func() *Conn) Handler {
	h := Handler{
		Dead: func(line int64, rec record.Record) { d.jobs <- func() { d.answerDead(conn(), line, rec) } },
	}
	if d.Status != nil {
		h.Status = func(state, message string) { d.jobs <- func() { d.Status(state, message) } }
	}
	return h
}

func (d *driven) answerDead(c *Conn, line int64, rec record.Record) {
	err := errors.New("dead letters are not kept here")
	if d.Dead != nil {
		err = d.Dead(rec)
	}
	if err != nil {
		c.Nack(line, &NackError{Message: err.Error()})
		return
	}
	c.Ack(line)
}
