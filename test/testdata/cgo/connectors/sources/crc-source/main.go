// Command crc-source is test data: a connector that links a static C library, which no plain go build can make.
package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay-dev/patchbay/common"
)

func main() {
	common.RunSource(common.Info{
		Name: "crc-source", Version: "0.1.0", Category: "Testing",
		Description: "Sends texts together with their checksums, which a C library computes.",
		Record:      checked{},
		Examples:    []common.Example{{Title: "Check a text", Args: []string{"--topic", "-", "--text", "hello"}}},
	}, &CRC{})
}

// CRC holds the options that only this connector has.
type CRC struct {
	Text []string `help:"Texts to send." placeholder:"TEXT" required:""`
}

// A checked is a payload.
type checked struct {
	Text string `json:"text"`
	CRC  uint32 `json:"crc"`
}

// Run sends each text once.
func (c *CRC) Run(ctx context.Context, out common.Output) error {
	for _, text := range c.Text {
		value, err := json.Marshal(checked{text, checksum([]byte(text))})
		if err != nil {
			return common.Permanent(err)
		}
		if err := out.Send(ctx, common.Record{Value: value}); err != nil {
			return err
		}
	}
	return nil
}
