package common

import (
	"context"

	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/internal/delivery"
)

// A Source reads a system. The options struct implements it.
type Source interface {
	// Run is one session: it opens what it needs, defers the closing, and sends records until its input is exhausted or ctx
	// ends. It blocks.
	//
	// When Run returns nil, the input is exhausted: what was sent is delivered, then the program ends with status 0. When ctx
	// has ended, any return is a clean stop. On any other error what was sent is settled, then, after a back-off, a fresh
	// value of the options struct runs from the delivered positions; a Permanent error ends the program with status 1. Run is
	// never called twice on the same value.
	Run(ctx context.Context, out Output) error
}

// An Output takes a source's records. All methods are safe for concurrent use. It may gain methods: a test that makes one of
// its own embeds Output in it.
type Output interface {
	// Position returns where the partition resumes: the position of the last record that was delivered together with all
	// before it. Empty means from the start. A source with one stream of records uses the empty partition.
	Position(partition string) string
	// Partitions returns the partitions whose Position is not empty, sorted: those that an earlier session left, too.
	Partitions() []string
	// Send hands records over and returns when all of them are on their way; it blocks while delivery is behind. The
	// records of a partition are delivered in the order in which the calls return, except that records which the topic did
	// not take at once may come after younger ones that were on their way. An error means that ctx has ended, that the session
	// is over, or that the run is: Run should return it. A record that is not delivered keeps its partition's position where it
	// is, and comes again in a later session. Records of one call that share a position are one step: the position moves when
	// the last of them is delivered.
	Send(ctx context.Context, recs ...Record) error
	// Deliver is Send for inputs that must be told: it returns nil only after every record is delivered. After an error it is
	// not known which were; the input must not be told of any.
	Deliver(ctx context.Context, recs ...Record) error
	// Advance moves the position of a partition without a record, for rows that are filtered out and for keepalives. The
	// position is saved when everything sent before is delivered. It does not block.
	Advance(ctx context.Context, partition, position string) error
	// Forget ends a partition that nothing will come from any more, such as a file that was deleted, so that it does not stay in
	// the saved state for ever. It takes effect in order: its position leaves the state when everything sent before is
	// delivered. If something is not, it stays, and the next session finds it. For Run the partition is forgotten at once: its
	// Position is empty, and what is sent or advanced afterwards begins it anew, behind what was sent before. Unless
	// Info.PositionsRecur says that they do, the positions of that new life must not be those of the old one. A partition that
	// is not known is left as it is. It does not block.
	Forget(ctx context.Context, partition string) error
	// Ready tells that the source is connected although it has nothing to send yet. The first Send, Deliver or Advance tells
	// the same. A source that tells nothing within --start-timeout is ended. It does not block.
	Ready()
	// Once reports whether the user asked for one bounded pass (--once): Run sends what is there now, then returns nil.
	Once() bool
}

// A Committer is a Source that must tell its system of positions, for example to let it drop what is no longer needed.
type Committer interface {
	// Committed is called after the position has been saved, one call at a time and in order for each partition, and only
	// between the call of Run and its return. At the beginning of a session it is called for every position that is saved, for
	// the program, or the session before, may have ended before its system heard of it. It may run at the same time as Run. An
	// error ends the session; the next one is told again. For a partition that is forgotten it may not be called any more: a
	// source that must tell its system of the last position calls Output.Forget when it was.
	Committed(ctx context.Context, partition, position string) error
}

// RunSource runs a source as a program and does not return: it reads the command line, does what the command says, and
// exits with the status. options is a pointer to the zero value of the options struct; it serves as a pattern only.
func RunSource(info Info, options Source) {
	main(&program{info: info, direction: metadata.Source, pattern: options})
}

var (
	_ Output = (*delivery.Output)(nil)
	_ Input  = (*delivery.Input)(nil)
)
