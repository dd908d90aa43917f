package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/internal/broker"
	"github.com/patchbay-dev/patchbay/internal/transport"
	"github.com/patchbay-dev/patchbay/internal/transport/nats"
	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/replay"
)

const (
	// passedOver is how many letters may be passed over in one pass: the broker sends no more than so many that are open.
	passedOver = 1 << 16
	// patience is longer than the broker waits before it delivers again what a replay that died had received.
	patience = 30 * time.Second
)

type replayCommand struct {
	From       string `arg:"" name:"topic-or-file" help:"Topic that holds dead letters, or a file of a pipeline's dead_letter: a path with a slash, or the name of a file that is here."`
	To         string `placeholder:"TOPIC" help:"Topic to send to. Default: the one that each letter names."`
	Reason     string `placeholder:"REGEX" help:"Only letters whose reason this regular expression matches. The others stay, for another replay."`
	MaxRecords int    `default:"0" placeholder:"N" help:"Send at most this many records; 0 means no limit."`
	DryRun     bool   `help:"Send nothing: print each letter that would be replayed, as a line of JSON without its payload."`
	Group      string `placeholder:"NAME" help:"Group that remembers which letters of the topic were replayed; a new one begins with the first letter. Default: replay- and the topic."`
	Envelope   string `default:"lean" enum:"lean,cloudevents" help:"What surrounds a payload on the topic (${enum})."`
	accessFlags
}

// Help is what kong shows below the summary.
func (r *replayCommand) Help() string {
	return "Makes one pass over the letters that are there now. Each record goes to the topic it came from, with the bytes, key, " +
		"time, type, subject and headers it had, and a new id. EVERY group of that topic gets it, those included that had processed " +
		"it before: to spare them, send it to a topic of its own with --to. What a source gave up is the record as it was read, " +
		"before the source's transforms. A letter is done with once the topic has acknowledged its record; a replay that is cut off " +
		"goes on where it was. A file is not changed, and every replay of it sends all its letters."
}

// Validate is called by kong; what it finds is wrong usage.
func (r *replayCommand) Validate() error {
	if r.MaxRecords < 0 {
		return fmt.Errorf("--max-records: %d is negative; 0 means no limit", r.MaxRecords)
	}
	if _, err := regexp.Compile(r.Reason); err != nil {
		return fmt.Errorf("--reason: %w", err)
	}
	if r.To != "" {
		if err := replay.CheckTopic(r.To); err != nil {
			return fmt.Errorf("--to: %w", err)
		}
	}
	switch file := isFile(r.From); {
	case r.From == "": // which kong tells itself
		return nil
	case file && r.To == "":
		return fmt.Errorf("%s is a file: name the topic that its records go to, with --to", r.From)
	case file && r.Group != "":
		return errors.New("--group: a file has no groups, and every replay sends all its letters")
	case !file && r.To == r.From:
		return errors.New("--to: the topic of the dead letters would be replayed into itself")
	case !file:
		if err := replay.CheckTopic(r.From); err != nil {
			return fmt.Errorf("%w; nor is there such a file", err)
		}
	}
	return r.check()
}

// isFile tells a path from a topic.
func isFile(name string) bool {
	if strings.ContainsRune(name, filepath.Separator) {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// Run replays what is there and says how much that was.
func (r *replayCommand) Run(ctx context.Context, s Surroundings) (err error) {
	r.warn(s.Stderr, s.Args)
	c := replay.Config{To: r.To, Max: r.MaxRecords, Patience: patience}
	if r.Reason != "" {
		c.Reason = regexp.MustCompile(r.Reason)
	}
	if r.DryRun {
		c.List = s.Stdout
	}
	b := brokers{flags: r, s: s, log: slog.New(slog.NewTextHandler(s.Stderr, nil))}
	defer b.close()
	c.Open = b.open
	damaged := func() error { return nil }
	if isFile(r.From) {
		f, err := replay.OpenFile(r.From)
		if err != nil {
			return err
		}
		c.Letters, damaged = f, f.Damaged
	} else {
		c.MaxOpen = passedOver
		if c.Letters, err = b.letters(ctx); err != nil {
			return explain(ctx, err)
		}
	}
	sum, err := replay.Run(ctx, c)
	if closeErr := c.Letters.Close(); err == nil {
		err = closeErr
	}
	r.report(s, sum)
	if sum.Failure != nil {
		err = errors.Join(err, fmt.Errorf("dead letters that cannot be sent, and stay: %d; the first: %w", sum.Failed, sum.Failure))
	}
	return explain(ctx, errors.Join(err, damaged()))
}

// explain turns what no waiting mends into wrong usage. A request to stop is no error.
func explain(ctx context.Context, err error) error {
	var config *transport.ConfigError
	switch {
	case errors.As(err, &config):
		return &usageError{err}
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil
	}
	return err
}

func (r *replayCommand) report(s Surroundings, sum replay.Summary) {
	n, what := sum.Replayed, "replayed"
	if r.DryRun {
		n, what = sum.Chosen, "would be replayed"
	}
	line := fmt.Sprintf("dead letters of %s %s: %d", r.From, what, n)
	if sum.PassedOver > 0 {
		line += fmt.Sprintf("; with another reason, and left: %d", sum.PassedOver)
	}
	fmt.Fprintf(s.Stderr, "patchbay: %s\n", line)
	if sum.Untransformed > 0 {
		fmt.Fprintf(s.Stderr, "patchbay: of these as a source read them, before its transforms: %d\n", sum.Untransformed)
	}
}

// brokers opens topics, each on a connection of its own.
type brokers struct {
	flags *replayCommand
	s     Surroundings
	log   *slog.Logger
	conns []*nats.Conn
}

func (b *brokers) connect(ctx context.Context, topic string) (*nats.Conn, error) {
	config := nats.Config{
		URL: b.flags.Broker, Access: b.flags.access(), Topic: topic, Name: "replay", Connector: "patchbay", Logger: b.log,
		Local: func(ctx context.Context) (broker.Endpoint, error) { return broker.Locate(ctx, b.s.Env) },
	}
	if b.flags.Envelope == "cloudevents" {
		config.Envelope = b.flags.Envelope
	}
	conn, err := nats.Connect(ctx, config)
	if err != nil {
		return nil, err
	}
	b.conns = append(b.conns, conn)
	return conn, nil
}

// letters opens the topic of dead letters, which must be there.
func (b *brokers) letters(ctx context.Context) (transport.Reader, error) {
	topic, group := b.flags.From, b.flags.Group
	if group == "" {
		group = "replay-" + topic
	}
	conn, err := b.connect(ctx, topic)
	if err != nil {
		return nil, err
	}
	there, err := conn.Exists(ctx)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, fmt.Errorf("there is no topic %s, so that nothing was ever dead-lettered to it", topic)
	}
	return conn.Reader(ctx, nats.ReaderOptions{Group: group, Once: true, MaxInFlight: passedOver})
}

func (b *brokers) open(ctx context.Context, topic string) (transport.Writer, error) {
	conn, err := b.connect(ctx, topic)
	if err != nil {
		return nil, err
	}
	return conn.Writer(ctx)
}

func (b *brokers) close() {
	for _, conn := range b.conns {
		conn.Close()
	}
}
