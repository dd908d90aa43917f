// Command memory-source is a source whose records are in memory before it starts to send them: what it takes is what
// delivery takes.
package main

import (
	"bytes"
	"context"
	"strconv"

	"github.com/patchbay-dev/patchbay/common"
)

func main() {
	common.RunSource(common.Info{
		Name: "memory-source", Version: "0.1.0", Category: "Testing", Resumes: true,
		Description: "Sends records that are all alike, with positions, as fast as they are taken.",
	}, &Memory{})
}

// Memory holds the options that only this connector has.
type Memory struct {
	Count int         `help:"How many records to send." default:"1000000" min:"1" unit:"records"`
	Size  common.Size `help:"Size of each record." default:"256B"`
}

// perCall is how many records are sent by one call, as a source does that reads pages.
const perCall = 100

// Run sends the records. The position is the number of records sent so far.
func (m *Memory) Run(ctx context.Context, out common.Output) error {
	value := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), max(int(m.Size)-2, 0))...), '"')
	sent, _ := strconv.Atoi(out.Position("")) // nothing at the first start
	records := make([]common.Record, 0, perCall)
	for sent < m.Count {
		records = records[:0]
		for len(records) < perCall && sent < m.Count {
			sent++
			records = append(records, common.Record{Position: strconv.Itoa(sent), Value: value})
		}
		if err := out.Send(ctx, records...); err != nil {
			return err
		}
	}
	return nil
}
