package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

// Notes is a sink that takes down the key and the id of each record in a file.
type Notes struct {
	Ledger     string `help:"File that takes down what is written." required:""`
	Idempotent bool   `help:"Write no id twice."`
	Hold       string `help:"File that, while it is there, keeps what is written from being acknowledged." default:""`
	Stall      string `help:"File that, while it is there, keeps anything from being written." default:""`
	Refuse     string `help:"Parts of the values that are refused for good, with semicolons between them." default:""`
}

// Run implements common.Sink.
func (s *Notes) Run(ctx context.Context, in common.Input) error {
	ledger, err := openLedger(s.Ledger)
	if err != nil {
		return common.Permanent(err)
	}
	defer ledger.Close()
	fmt.Fprintf(ledger, "runs %d\n", os.Getpid())
	known := map[string]bool{}
	if s.Idempotent {
		if known, err = ids(s.Ledger); err != nil {
			return common.Permanent(err)
		}
	}
	return common.Each(ctx, in, func(ctx context.Context, recs []common.Record) error {
		if err := s.wait(ctx, ledger, s.Stall, "stalled"); err != nil {
			return err
		}
		failed := map[int]error{}
		lines := strings.Builder{}
		fmt.Fprintf(&lines, "batch %d\nby %d\n", len(recs), os.Getpid())
		for i, rec := range recs {
			switch {
			case s.refuses(string(rec.Value)):
				fmt.Fprintf(&lines, "refused %s %s\n", rec.Key, rec.ID)
				failed[i] = common.Permanent(errors.New("refused"))
			case s.Idempotent && known[rec.ID]:
				fmt.Fprintf(&lines, "again %s %s\n", rec.Key, rec.ID)
			default:
				known[rec.ID] = s.Idempotent
				fmt.Fprintf(&lines, "got %s %s\n", rec.Key, rec.ID)
			}
		}
		if _, err := ledger.WriteString(lines.String()); err != nil {
			return err
		}
		if err := s.wait(ctx, ledger, s.Hold, "holding"); err != nil {
			return err
		}
		if len(failed) > 0 {
			return &common.PartialError{Failed: failed}
		}
		return nil
	})
}

func (s *Notes) refuses(value string) bool {
	return s.Refuse != "" && slices.ContainsFunc(strings.Split(s.Refuse, ";"), func(part string) bool {
		return strings.Contains(value, part)
	})
}

// wait blocks while a file is there, and says so in the ledger.
func (s *Notes) wait(ctx context.Context, ledger *os.File, path, what string) error {
	for told := false; path != ""; told = true {
		if _, err := os.Stat(path); err != nil {
			break
		}
		if !told {
			fmt.Fprintf(ledger, "%s -\n", what)
		}
		if err := common.Sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// ids returns the ids that a ledger holds.
func ids(path string) (map[string]bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	known := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if parts := strings.Fields(lines.Text()); len(parts) == 3 && parts[0] == "got" {
			known[parts[2]] = true
		}
	}
	return known, nil
}
