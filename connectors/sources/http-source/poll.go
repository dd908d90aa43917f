package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/httpclient"
)

// A poller makes polls, one after the other, in one session.
type poller struct {
	*HTTPSource
	out    common.Output
	client *httpclient.Client
	next   follower
	last   position // of the last poll; zero before the first
}

func newPoller(s *HTTPSource, out common.Output) (p *poller, err error) {
	p = &poller{HTTPSource: s, out: out}
	if p.next, err = s.follower(); err != nil {
		return nil, err
	}
	if p.last, err = parsePosition(out.Position("")); err != nil {
		return nil, err
	}
	p.client, err = s.client()
	return p, err
}

// poll reads the endpoint with all its pages and sends them. Only the last page's record carries the position: a poll that
// was not delivered as a whole is made again from its first page.
func (p *poller) poll(ctx context.Context) error {
	start, sent := time.Now(), false
	err := p.pages(ctx, &sent)
	if err == nil || !sent || ctx.Err() != nil {
		return err
	}
	// The next session sends the first pages again. It must not do so faster than polls are wanted, nor ever in a single pass.
	if p.out.Once() {
		return common.Permanent(err)
	}
	if err := common.Sleep(ctx, time.Until(start.Add(p.Interval))); err != nil {
		return err
	}
	return err
}

// pages sends page after page. It sets sent once a record is handed over.
func (p *poller) pages(ctx context.Context, sent *bool) error {
	target, seen := &p.Endpoint.URL, map[string]bool{}
	var reached position
	for n := 1; ; n++ {
		seen[target.String()] = true
		pg, err := p.read(ctx, target, n)
		if err != nil {
			return err
		}
		if n == 1 {
			p.out.Ready()
			if pg.notModified {
				return nil
			}
			reached = pg.position()
			if p.Emit == "changed" && reached.SHA256 == p.last.SHA256 {
				return p.reach(ctx, reached)
			}
		}
		if target, err = p.follow(ctx, pg, n, seen); err != nil {
			return err
		}
		rec, ok, err := p.record(pg)
		if err != nil {
			return err
		}
		if ok {
			if target == nil && p.remembers() {
				rec.Position = reached.String()
			}
			*sent = true
			if err := p.out.Send(ctx, rec); err != nil {
				return err
			}
		}
		switch {
		case target != nil: // there is more to read
		case ok:
			p.last = reached
			return nil
		default:
			return p.reach(ctx, reached)
		}
	}
}

// reach moves the position without a record.
func (p *poller) reach(ctx context.Context, reached position) error {
	p.last = reached
	if !p.remembers() {
		return nil
	}
	return p.out.Advance(ctx, "", reached.String())
}

// remembers reports whether what the last poll saw decides what the next one emits. With several pages, an unchanged first
// one says nothing about the others, so that only those who ask for it get that.
func (p *poller) remembers() bool {
	return p.Emit == "changed" || p.Emit == "modified" && p.Pagination == "none"
}

// follow returns the address of the next page, or nil after the last.
func (p *poller) follow(ctx context.Context, pg *page, n int, seen map[string]bool) (*url.URL, error) {
	next, err := p.next(ctx, pg, n)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: next page: %w", pg.address(), err)
	case next == nil:
		return nil, nil
	case seen[next.String()]:
		return nil, fmt.Errorf("%s: next page: it leads back to %s, which this poll has read", pg.address(), httpclient.Address(next))
	case n >= p.MaxPages:
		return nil, fmt.Errorf("%s: next page: the poll has more than %d pages; --max-pages allows more", pg.address(), p.MaxPages)
	}
	return next, nil
}

// read gets one page. A failure of the first page ends the session, which is started again after a back-off or after the
// wait that the server asked for. Further pages are tried again for one interval, so that a long poll need not begin anew.
func (p *poller) read(ctx context.Context, target *url.URL, n int) (*page, error) {
	var backoff common.Backoff
	failing := time.Time{}
	for {
		pg, err := p.fetch(ctx, target, n == 1)
		if err == nil || ctx.Err() != nil {
			return pg, err
		}
		var asked time.Duration
		var status *httpclient.StatusError
		if errors.As(err, &status) && (status.Status == http.StatusTooManyRequests || status.Status == http.StatusServiceUnavailable) {
			asked = status.RetryAfter
		}
		if n == 1 {
			return nil, common.RetryAfter(err, asked)
		}
		wait := max(backoff.Next(), asked)
		if failing.IsZero() {
			failing = time.Now()
		}
		if asked == 0 && time.Since(failing)+wait > p.Interval {
			return nil, err
		}
		common.Log(ctx).Warn("cannot read a further page, trying again", "page", n, "wait", wait, "error", err)
		if stopped := common.Sleep(ctx, wait); stopped != nil {
			return nil, stopped
		}
	}
}
