// Package link_test runs the two sides of the link protocol against each other as processes: the driver and the transport
// of this repository, and programs in shell, which stand for any other language.
package link_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/state"
	"github.com/patchbay-dev/patchbay/internal/transport/stdio"
)

// childVariable makes the test binary play a connector instead of testing.
const childVariable = "LINK_TEST_CHILD"

func TestMain(m *testing.M) {
	var err error
	switch what := os.Getenv(childVariable); {
	case what == "":
		goleak.VerifyTestMain(m)
		return
	case what == "sink":
		err = playSink(context.Background())
	default:
		err = playSource(context.Background(), what)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// playSource sends as many records as count says, numbered from where it resumes, until it is told to stop.
func playSource(ctx context.Context, count string) error {
	last, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	w := stdio.NewLinkWriter(os.Stdin, os.Stdout)
	defer w.Close()
	w.Status(link.Connecting, nil)
	s, err := w.Store().Load(ctx)
	if err != nil {
		return err
	}
	if s == nil {
		s = &state.State{Connector: "counter", Identity: "i", Epoch: "e", Positions: map[string]string{"": "0"}}
	}
	n, err := strconv.Atoi(s.Positions[""])
	if err != nil {
		return err
	}
	w.Status(link.Ready, nil)
	padding := strings.Repeat("x", 240)
	failed := make(chan error, 1)
	for n < last {
		select {
		case <-w.Stopped():
			last = n
			continue
		default:
		}
		n++
		value := strconv.AppendInt(nil, int64(n), 10)
		if last >= 10000 {
			value = fmt.Appendf(nil, `{"number":%d,"text":"%s"}`, n, padding[:len(padding)-len(value)])
		}
		err := w.Write(ctx, record.Record{Position: strconv.Itoa(n), Value: value}, func(err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
		if err != nil {
			return err
		}
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
	}
	s.Positions[""] = strconv.Itoa(n)
	return w.Store().Save(ctx, s)
}

// playSink prints records. A record "again" is refused at its first attempt, a record "poison" becomes a dead letter.
func playSink(ctx context.Context) error {
	acks, err := stdio.OpenAcks(os.Getenv(link.AckFD))
	if err != nil {
		return err
	}
	type message struct {
		line    int64
		rec     record.Record
		attempt int
	}
	const window = 4
	messages := make(chan message, window)
	end := sync.OnceFunc(func() { close(messages) })
	c := link.NewConn(os.Stdin, acks, link.Handler{
		Record: func(line int64, rec record.Record, attempt int) { messages <- message{line, rec, attempt} },
		Stop:   end,
		End:    func(error) { end() },
	})
	defer c.Close()
	c.Grant(window)
	c.Status(link.Ready, nil)
	for m := range messages {
		switch value := string(m.rec.Value); {
		case value == "again" && m.attempt == 1:
			c.Nack(m.line, &link.NackError{Delay: time.Millisecond})
			continue
		case value == "poison":
			settled := make(chan error, 1)
			m.rec.Headers = map[string]string{"reason": "poison"}
			if err := c.Dead(ctx, m.rec, func(err error) { settled <- err }); err != nil {
				return err
			}
			if err := <-settled; err != nil {
				return err
			}
		default:
			fmt.Println(value, m.attempt)
		}
		c.Ack(m.line)
	}
	return c.FlushAnswers(ctx)
}
