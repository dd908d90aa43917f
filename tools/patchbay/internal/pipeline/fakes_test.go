package pipeline

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
)

// faults make a fake die by its own hand, once in all lives.
type faults struct {
	dir  string
	at   string // where
	from int    // at this record or later
}

func (f *faults) flags(s *flag.FlagSet) {
	s.StringVar(&f.dir, "dir", "", "")
	s.StringVar(&f.at, "die", "", "")
	s.IntVar(&f.from, "from", 0, "")
}

// here kills the process if this is where it is to die.
func (f *faults) here(at string, n int) {
	if at != f.at || n < f.from {
		return
	}
	mark, err := os.OpenFile(filepath.Join(f.dir, "died-"+at), os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		mark.Close()
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// fakeSource sends the numbers up to -count, after the position it was given, and saves every 20 acknowledgements.
func fakeSource(args []string) error {
	var faults faults
	f := flag.NewFlagSet("source", flag.ContinueOnError)
	count := f.Int("count", 1000, "")
	mode := f.String("mode", "", "")
	faults.flags(f)
	if err := f.Parse(args[:cut(args)]); err != nil {
		return err
	}
	if *mode == "status2" {
		fmt.Fprintln(os.Stderr, "source: wrong usage")
		os.Exit(2)
	}
	if *mode == "dies" {
		return errors.New("cannot")
	}
	var mu sync.Mutex
	settled := sync.NewCond(&mu)
	done, open := 0, 0 // the last number acknowledged with all before it; numbers that are not
	failed := error(nil)
	stop, end := make(chan struct{}), make(chan struct{})
	resume := make(chan link.State, 1)
	var stopOnce sync.Once
	c := link.NewConn(os.Stdin, os.Stdout, link.Handler{
		Resume: func(s link.State) { resume <- s },
		Stop:   func() { stopOnce.Do(func() { close(stop) }) },
		End:    func(error) { close(end) },
	})
	var s link.State
	select {
	case s = <-resume:
	case <-end:
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-stop:
		case <-end:
		}
		cancel()
	}()
	if *mode != "silent" {
		c.Status(link.Ready, nil)
	}
	first, _ := strconv.Atoi(s.Positions[""])
	done = first
	acked := map[int]bool{}
	save := func(n int) error {
		faults.here("before-save", n)
		err := c.Save(context.Background(), link.State{Positions: map[string]string{"": strconv.Itoa(n)}, Connector: "fake"})
		faults.here("after-save", n)
		return err
	}
	var send func(n, attempt int) error
	send = func(n, attempt int) error {
		value := []byte(strconv.Itoa(n))
		if *mode == "binary" {
			value = append([]byte{0xff, 0xfe}, value...)
		}
		mu.Lock()
		open++
		mu.Unlock()
		err := c.Send(ctx, record.Record{Position: strconv.Itoa(n), Value: value}, 1, func(err error) {
			var nack *link.NackError
			if errors.As(err, &nack) && !nack.Permanent {
				go func() { _ = send(n, attempt+1) }()
				err = nil
			} else if err == nil {
				faults.here("after-ack", n)
			}
			mu.Lock()
			defer mu.Unlock()
			open--
			if err != nil {
				failed = err
			} else if nack == nil {
				acked[n] = true
				for acked[done+1] {
					delete(acked, done+1)
					done++
				}
			}
			settled.Broadcast()
		})
		faults.here("after-send", n)
		return err
	}
	sent := first
	for saved := first; sent < *count && ctx.Err() == nil; {
		if send(sent+1, 1) != nil {
			break
		}
		sent++
		mu.Lock()
		now := done
		mu.Unlock()
		if now >= saved+20 {
			if save(now) != nil {
				break
			}
			saved = now
		}
		if *mode == "dead" && sent == 5 {
			stored := make(chan error, 1)
			_ = c.Dead(ctx, record.Record{Value: []byte{0xff, 'x'}, Headers: map[string]string{"Reason": "bad"}}, func(err error) { stored <- err })
			if err := <-stored; err != nil {
				c.Status(link.Failed, err)
				_ = c.FlushAnswers(context.Background())
				return err
			}
		}
		if *mode == "gives-up" && sent == 10 {
			c.Status(link.Failed, errors.New("the account is closed"))
			_ = c.FlushAnswers(context.Background())
			return errors.New("the account is closed")
		}
	}
	mu.Lock()
	for done < sent && failed == nil && !gone(end) {
		settled.Wait()
	}
	last, err := done, failed
	mu.Unlock()
	if gone(end) {
		return nil
	}
	if err != nil {
		c.Status(link.Failed, err)
		_ = c.FlushAnswers(context.Background())
		return err
	}
	return save(last)
}

func gone(end chan struct{}) bool {
	select {
	case <-end:
		return true
	default:
		return false
	}
}

// cut is where the flags of a fake end and those of every connector begin.
func cut(args []string) int {
	for i, a := range args {
		if a == "--topic" {
			return i
		}
	}
	return len(args)
}

// fakeSink appends each value to the file out, then acknowledges it.
func fakeSink(args []string) error {
	var faults faults
	f := flag.NewFlagSet("sink", flag.ContinueOnError)
	mode := f.String("mode", "", "")
	window := f.Int("window", 16, "")
	limit := f.Int("limit", 0, "")
	faults.flags(f)
	if err := f.Parse(args[:cut(args)]); err != nil {
		return err
	}
	switch *mode {
	case "babble":
		fmt.Fprintln(os.NewFile(3, "acks"), "Listening on port 80")
		return nil
	case "dies":
		return errors.New("cannot")
	}
	out, err := os.OpenFile(filepath.Join(faults.dir, "out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	type delivery struct {
		line    int64
		rec     record.Record
		attempt int
	}
	queue := make(chan delivery, 1<<16)
	var once sync.Once
	finish := func() { once.Do(func() { close(queue) }) }
	c := link.NewConn(os.Stdin, os.NewFile(3, "acks"), link.Handler{
		Record: func(line int64, rec record.Record, attempt int) { queue <- delivery{line, rec, attempt} },
		Stop:   finish,
		End:    func(error) { finish() },
	})
	c.Status(link.Ready, nil)
	c.Grant(*window)
	written := 0
	for d := range queue {
		value := string(d.rec.Value)
		n, _ := strconv.Atoi(value)
		faults.here("before-write", n)
		switch {
		case *mode == "stalls" && n >= 10:
			select {} // until it is killed
		case *mode == "nacks" && n%100 == 7 && os.Mkdir(filepath.Join(faults.dir, "nacked"+value), 0o700) == nil:
			c.Nack(d.line, &link.NackError{Message: "try again"})
			continue
		case *mode == "refuses" && n == 30:
			c.Nack(d.line, &link.NackError{Message: "poison", Permanent: true})
			continue
		case *mode == "attempts":
			value = fmt.Sprintf("%s#%d", value, d.attempt)
		}
		if _, err := out.WriteString(value + "\n"); err != nil {
			return err
		}
		faults.here("after-write", n)
		c.Ack(d.line)
		if faults.at == "after-ack" && n >= faults.from {
			_ = c.FlushAnswers(context.Background())
			faults.here("after-ack", n)
		}
		if written++; written == *limit {
			break
		}
	}
	_ = c.FlushAnswers(context.Background())
	return nil
}
