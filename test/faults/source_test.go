package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

// Numbers is a source whose records are numbers, from 1, in each of some partitions. The position of a record is its number.
type Numbers struct {
	Ledger     string        `help:"File that takes down what is sent, acknowledged and committed." required:""`
	Until      string        `help:"File that says, once it is there, which is the last number." required:""`
	Partitions int           `help:"How many partitions there are." default:"2"`
	Pace       time.Duration `help:"Pause between two steps." default:"5ms"`
	Step       int           `help:"Records of each partition in a step." default:"5"`
	Padding    int           `help:"Bytes beside the number." default:"0"`
	Letters    bool          `help:"The content is A, B, A, B and so on."`
	Upstream   string        `help:"File that stands for the system, which forgets what was committed." default:""`
	Hold       bool          `help:"Hang when a position is to be committed."`
	Leak       string        `help:"Leave a goroutine or a file behind." enum:",goroutine,file" default:""`
}

// Run implements common.Source.
func (s *Numbers) Run(ctx context.Context, out common.Output) error {
	ledger, err := openLedger(s.Ledger)
	if err != nil {
		return common.Permanent(err)
	}
	defer ledger.Close()
	fmt.Fprintf(ledger, "runs %d\n", os.Getpid())
	leak(s.Leak)
	next := make([]int, s.Partitions)
	for p := range next {
		resumed := number(out.Position(strconv.Itoa(p)))
		if forgotten, err := s.forgotten(p); err != nil || resumed < forgotten {
			return common.Permanent(fmt.Errorf("gap: partition %d resumes at %d, and the system forgot all up to %d: %w",
				p, resumed, forgotten, err))
		}
		next[p] = resumed + 1
		fmt.Fprintf(ledger, "resumed %d:%d\n", p, resumed)
	}
	out.Ready()
	for {
		last, over := s.last(), true
		for p := range next {
			n := min(s.Step, last-next[p]+1)
			if n <= 0 {
				continue
			}
			over = false
			if err := s.send(ctx, out, ledger, p, next[p], n); err != nil {
				return err
			}
			next[p] += n
		}
		if over {
			return nil
		}
		if err := common.Sleep(ctx, s.Pace); err != nil {
			return err
		}
	}
}

// last is the number after which the input ends.
func (s *Numbers) last() int {
	data, err := os.ReadFile(s.Until)
	if err != nil || len(data) == 0 {
		return math.MaxInt
	}
	return number(string(data))
}

// send sends n numbers, beginning with first.
func (s *Numbers) send(ctx context.Context, out common.Output, ledger *os.File, partition, first, n int) error {
	recs, told := make([]common.Record, n), strings.Builder{}
	for i := range recs {
		name := fmt.Sprintf("%d:%d", partition, first+i)
		fmt.Fprintf(&told, "sent %s\n", name)
		recs[i] = common.Record{
			Key: name, Partition: strconv.Itoa(partition), Position: strconv.Itoa(first + i), Value: s.value(first + i),
			Settled: func(err error) {
				if err == nil {
					fmt.Fprintf(ledger, "acked %s\n", name)
				}
			},
		}
	}
	if _, err := ledger.WriteString(told.String()); err != nil {
		return common.Permanent(err)
	}
	return out.Send(ctx, recs...)
}

func (s *Numbers) value(n int) []byte {
	if s.Letters {
		return []byte(`"` + string("AB"[n%2]) + `"`)
	}
	return fmt.Appendf(nil, `{"n":%d,"padding":"%s"}`, n, strings.Repeat("x", s.Padding))
}

// Committed implements common.Committer.
func (s *Numbers) Committed(ctx context.Context, partition, position string) error {
	ledger, err := openLedger(s.Ledger)
	if err != nil {
		return err
	}
	defer ledger.Close()
	if forgotten, _ := s.forgotten(number(partition)); s.Hold && number(position) > forgotten {
		fmt.Fprintf(ledger, "saved %s:%s\n", partition, position)
		<-ctx.Done()
		return ctx.Err()
	}
	if s.Upstream != "" {
		if err := os.WriteFile(s.Upstream+"."+partition, []byte(position), 0o600); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(ledger, "committed %s:%s\n", partition, position)
	return err
}

// forgotten is the last number that the system cannot give any more.
func (s *Numbers) forgotten(partition int) (int, error) {
	if s.Upstream == "" {
		return 0, nil
	}
	data, err := os.ReadFile(fmt.Sprintf("%s.%d", s.Upstream, partition))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return number(string(data)), err
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // the empty position is 0
	return n
}

var _ common.Committer = (*Numbers)(nil)
