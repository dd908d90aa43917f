package cmd

import (
	"time"

	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/pipeline"
)

// limits are for tests, which need neither wait that long nor use up that much.
type limits struct {
	Answer time.Duration `hidden:"" default:"2m"` // the longest that an answer to thousands of documents takes; see blackbox
	Work   time.Duration `hidden:"" default:"10m"`
	Memory int64         `hidden:"" default:"4096"` // MiB
	File   int64         `hidden:"" default:"4096"` // MiB
}

func (l limits) bytes() pipeline.Limits {
	return pipeline.Limits{Answer: l.Answer, Work: l.Work, Memory: l.Memory << 20, File: l.File << 20}
}
