package blackbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
	"github.com/patchbay-dev/patchbay/common/metadata"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/parallel"
	"github.com/patchbay-dev/patchbay/tools/catalogen/internal/proc"
)

// A driven is one run of the connector as the child of a driver, which is a talk.
type driven struct {
	rule   string         // of how it ends
	signal syscall.Signal // what ends it; 0 for the frame stop
	resume link.State
	before map[place]bool // what was delivered and saved before this run
}

// linkRules are the rules about what only a source or only a sink says on the link.
var linkRules = map[metadata.Direction][]string{
	metadata.Source: {linkCredit, linkResume, linkSave},
	metadata.Sink:   {linkAnswers},
}

// link drives the connector: once to its end by stop, and twice to its end by a signal, from where the first run has saved.
// Where the connector's system is not there, little is said, and little can be said against it.
func (x *examiner) link(ctx context.Context) error {
	ours := append([]string{linkHello, linkFrames, linkStop, signalTerm, signalInterrupt}, linkRules[x.doc.Direction]...)
	for direction, others := range linkRules {
		if direction != x.doc.Direction {
			x.leave(NotApplicable, fmt.Sprintf("it is a %s", x.doc.Direction), others...)
		}
	}
	if !x.has("acks", "name") {
		x.leave(NotApplicable, "there is no --acks, by which a run tells that it is up", ours...)
		return nil
	}
	config, why, err := x.driverConfig(ctx)
	if err != nil {
		return err
	}
	if why != "" {
		x.leave(NotApplicable, "it cannot be driven: "+why, ours...)
		return nil
	}
	first, err := x.drive(ctx, config, driven{rule: linkStop})
	if err != nil || x.noteTalk(first, "") {
		return err
	}
	again := []driven{{rule: signalTerm, signal: syscall.SIGTERM}, {rule: signalInterrupt, signal: syscall.SIGINT}}
	talks := make([]*talk, len(again))
	err = parallel.Each(ctx, len(again), len(again), func(ctx context.Context, i int) (err error) {
		again[i].resume = first.saved
		if x.doc.Resumes && !x.doc.PositionsRecur {
			again[i].before = first.savedPlaces()
		}
		talks[i], err = x.drive(ctx, config, again[i])
		return err
	})
	if err != nil {
		return err
	}
	x.noteTalk(talks[0], "ended by SIGTERM")
	x.noteTalk(talks[1], "ended by SIGINT")
	return nil
}

// noteTalk notes what a run has shown, and tells whether it did not get as far as to speak.
func (x *examiner) noteTalk(t *talk, where string) (mute bool) {
	for rule, problem := range t.broken {
		x.note(rule, where, problem)
	}
	if _, mute := t.broken[linkHello]; mute {
		return true
	}
	for _, rule := range append([]string{linkHello, linkFrames, t.rule}, linkRules[x.doc.Direction]...) {
		x.note(rule, where, "")
	}
	return false
}

// driverConfig writes the options of a driven run as drivers do, into a config file. A source finds a file with records where
// its options name a path. The reason why not is the program's own.
func (x *examiner) driverConfig(ctx context.Context) (path, why string, err error) {
	nowhere := x.nothing()
	if x.doc.Direction == metadata.Source {
		nowhere = x.growing()
		if err := grow(nowhere); err != nil {
			return "", "", err
		}
	}
	d, _ := x.astray(x.base, nowhere)
	d = d.without("once").without("max-records")
	asked := d.with("topic", "-").with("acks", true).with("name", "gate")
	verdicts, problem, err := x.batch(ctx, []trial{{text: mustJSON(asked)}})
	if err != nil || problem != "" {
		return "", problem, err
	}
	if !*verdicts[0].Valid {
		return "", verdicts[0].Problems[0].String(), nil
	}
	secrets := map[string]bool{}
	for name, p := range x.options {
		secrets[name] = p.Secret
	}
	text, err := configText(d.without("topic").without("acks").without("name"), secrets, hyphens)
	if err != nil {
		return "", "", err
	}
	path, err = x.file(text)
	return path, "", err
}

// growing is the path of a file of records, which gets more when a source is ready: it may care only for what is new.
func (x *examiner) growing() string { return filepath.Join(x.Scratch, "records.jsonl") }

// grow adds more records to a file than a source may send without an answer.
func grow(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Repeat(oneRecord, 3*window))
	return errors.Join(err, f.Close())
}

// errAsked is why a run is ended that has shown what was wanted.
var errAsked = errors.New("it was asked to end")

// drive runs the connector under a talk.
func (x *examiner) drive(ctx context.Context, config string, d driven) (*talk, error) {
	stdin, toChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer stdin.Close()
	defer toChild.Close()
	frames, fromChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer frames.Close()
	defer fromChild.Close()

	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := x.spec(nil, []string{"--topic", "-", "--acks", "--name", "gate", "--config", config}, stdin)
	if d.signal != 0 {
		s.Ask, s.Grace = d.signal, x.patience
	}
	source := x.doc.Direction == metadata.Source
	if source {
		s.Tee = fromChild
	} else {
		s.Extra = fromChild
		s.Env = append(s.Env, link.AckFD+"=3")
	}
	// A child that does not read is no reason to wait for ever.
	if err := toChild.SetWriteDeadline(time.Now().Add(x.patience)); err != nil {
		return nil, err
	}
	t := &talk{driven: d, tempo: x.tempo, source: source, resumes: x.doc.Resumes, to: toChild, end: func() { cancel(errAsked) }}
	t.ready = sync.OnceFunc(func() { _ = grow(x.growing()) }) // without more, little is seen of it
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		t.listen(frames)
	}()
	result, err := x.exec(within, s)
	stdin.Close()
	fromChild.Close()
	// Somebody whom the child has left behind may hold the other end for ever.
	if err := frames.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return nil, err
	}
	<-ended
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	t.judge(result, err)
	return t, nil
}

// judge looks at how the child has ended.
func (t *talk) judge(result proc.Result, err error) {
	tail := proc.Tail(result.Stderr, 3)
	switch {
	case t.gaveUp:
		return
	case t.lines == 0 && err != nil:
		t.breaks(linkHello, "it wrote no line: %v: %s", err, tail)
	case t.lines == 0:
		t.breaks(linkHello, "it ended with status %d before it wrote a line: %s", result.Status, tail)
	case errors.Is(err, proc.ErrDeadline), errors.Is(err, errAsked) && result.Status < 0:
		t.breaks(t.rule, "it was killed by what should end it, or did not end within %s: %s", t.patience, tail)
	case err != nil && !errors.Is(err, errAsked):
		t.breaks(t.rule, "%v: %s", err, tail)
	case result.Status == 0:
		t.judgeGood()
	case result.Status == 1 && (t.failed || !t.asked):
		// Its system is not there, and it gave up before it was asked to end, or meanwhile.
	default:
		t.breaks(t.rule, "status %d, not 0: %s", result.Status, tail)
	}
}

// judgeGood looks at what a child has left undone that ended as if it had not.
func (t *talk) judgeGood() {
	if t.source {
		if t.resumes && t.signal == 0 && t.positions() > 0 && len(t.saved.Positions) == 0 {
			t.breaks(linkSave, "%d of its records with a position were acknowledged, and it saved none", t.positions())
		}
		return
	}
	for line, answered := range t.given {
		if !answered && !t.failed && !t.stopSent && t.signal == 0 {
			t.breaks(linkAnswers, "the record on line %d has no answer, although the input ended without a stop", line)
		}
	}
}
