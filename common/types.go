package common

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/delivery"
	"github.com/patchbay-dev/patchbay/internal/options"
)

type (
	// Record is one unit of data; see package record.
	Record = record.Record
	// Secret is an option's value that must never be seen. Reveal returns it.
	Secret = options.Secret
	// Size is an option in bytes, written as a whole number with an optional unit: 512, 64KiB, 10MB.
	Size = options.Size
	// URL is an option that holds an absolute http or https address without user information.
	URL = options.URL
	// Batch is some records for a sink to write, each of which is acknowledged or failed.
	Batch = delivery.Batch
)

// Permanent marks an error that no retry can mend. Returned by Run it ends the program with status 1; given to Batch.Fail it
// sends the record to the error policy (--on-error). Permanent(nil) is nil.
func Permanent(err error) error { return delivery.Permanent(err) }

// RetryAfter adds to an error how long the system asks to wait before the next try, where it does. Returned by Run it holds
// the next session back for so long, given to Batch.Fail the record; a stop is not delayed by it. The usual back-off is the
// least. RetryAfter(nil, wait) is nil.
func RetryAfter(err error, wait time.Duration) error { return delivery.RetryAfter(err, wait) }

// Sleep waits for d or until ctx ends, and then returns the cause of that. It blocks.
func Sleep(ctx context.Context, d time.Duration) error { return delivery.Sleep(ctx, d) }

// Log returns the connector's logger, for what a user should know and no error tells. ctx is the one that Run was given.
func Log(ctx context.Context) *slog.Logger { return delivery.Log(ctx) }

// A Backoff counts failures in a row and says how long to wait before the next try, with jitter. The zero value is ready
// for use and waits 10 s at most. It is not safe for concurrent use.
type Backoff = delivery.Backoff

// Invalid is an error for Validate methods that names the option, by its flag name without dashes, and tells what is wrong
// with it and how to mend it. Validate may return several, joined by errors.Join. Returned by Run, marked as Permanent, it
// ends the program with status 2.
func Invalid(option, format string, args ...any) error {
	return &options.Problem{Option: option, Message: fmt.Sprintf(format, args...), Semantic: true}
}
