package kps

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common"
)

// The test binary plays three programs beside the tests, each in a process of its own, by the name it is started under: a
// source, a sink, and the adapter. The tests are the platform.
const (
	sourceName  = "numbers-source"
	sinkName    = "lines-sink"
	adapterName = "adapter"
)

func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case sourceName:
		common.RunSource(common.Info{
			Name: sourceName, Version: "0.1.0", Category: "Testing", Description: "Sends numbers.", Resumes: true,
		}, &numbers{})
	case sinkName:
		common.RunSink(common.Info{
			Name: sinkName, Version: "0.1.0", Category: "Testing", Description: "Writes lines.",
		}, &lines{})
	case adapterName:
		adapter()
	}
	goleak.VerifyTestMain(m)
}

// adapter runs the adapter with the options that its argument holds, until SIGTERM.
func adapter() {
	var o Options
	if err := json.Unmarshal([]byte(os.Args[1]), &o); err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	o.Env, o.Stderr, o.LogLevel, o.LogFormat = os.Environ(), os.Stderr, "info", "json"
	if err := Run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// numbers sends the numbers from 1, with a word before each, up to Count, and then waits for its end if it is to.
type numbers struct {
	Count int           `help:"The last number." default:"1000000" min:"0"`
	Stay  bool          `help:"Do not end."`
	Pause time.Duration `help:"Time between two numbers." default:"1ms"`
	Token common.Secret `help:"A secret." default:""`
	Word  string        `help:"Stands before each number." default:"n" pattern:"^[a-z]+$" form:"a word in small letters" change:"config"`
	Needs string        `help:"A file without which nothing works." default:""`
	Home  string        `help:"Is set at install time." default:"" change:"static"`
}

func (n *numbers) Run(ctx context.Context, out common.Output) error {
	if err := n.check(); err != nil {
		return err
	}
	out.Ready()
	at, _ := strconv.Atoi(out.Position(""))
	for at < n.Count {
		at++
		rec := common.Record{Position: strconv.Itoa(at), Value: fmt.Appendf(nil, "%s %d", n.Word, at)}
		if err := out.Send(ctx, rec); err != nil {
			return err
		}
		if err := common.Sleep(ctx, n.Pause); err != nil {
			return err
		}
	}
	for n.Stay {
		if err := n.check(); err != nil {
			return err
		}
		if err := common.Sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// check fails while something is missing.
func (n *numbers) check() error {
	if n.Needs == "" {
		return nil
	}
	_, err := os.Stat(n.Needs)
	return err
}

// lines appends records to a file.
type lines struct {
	Path string `help:"The file." required:""`
	Word string `help:"Stands before each line." default:"n" pattern:"^[a-z]+$" form:"a word in small letters" change:"config"`
}

func (l *lines) Run(ctx context.Context, in common.Input) error {
	f, err := os.OpenFile(l.Path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return common.Permanent(err)
	}
	defer f.Close()
	return common.Each(ctx, in, func(_ context.Context, recs []common.Record) error {
		for _, rec := range recs {
			if _, err := fmt.Fprintf(f, "%s %s\n", l.Word, rec.Value); err != nil {
				return err
			}
		}
		return nil
	})
}
