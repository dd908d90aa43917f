package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

const (
	// leastSettle is what --settle is at least with order modified: some servers keep times in whole seconds, so that an
	// object of the same second may still appear.
	leastSettle = 2 * time.Second
	// mostPending bounds the objects that are remembered of one listing with order modified.
	mostPending = 10_000
	// mostNewer is how many objects in a row a bounded pass reads that were made after it began, before it takes them for
	// what a busy writer adds at the end.
	mostNewer = 1000
)

// look reads the objects that stand after the last one.
func (r *reader) look(ctx context.Context) error {
	if r.Order == "modified" {
		return r.lookByTime(ctx)
	}
	return r.lookByKey(ctx)
}

// lookByKey reads objects while they are listed.
func (r *reader) lookByKey(ctx context.Context) error {
	var begun time.Time
	newer := 0
	for o, err := range r.client.list(ctx, r.Prefix, r.last.Key, 0) {
		if err != nil {
			return err
		}
		if begun.IsZero() {
			begun = r.client.transport.now()
		}
		if !r.wanted(o) {
			continue
		}
		if r.Settle > 0 && o.modified.After(begun.Add(-r.Settle)) {
			r.tellYoung(o)
			return nil
		}
		if newer++; !o.modified.After(begun.Add(time.Second)) { // begun may be up to a second late
			newer = 0
		}
		if newer > mostNewer && r.out.Once() {
			return nil
		}
		if err := r.read(ctx, o, 0, ""); err != nil {
			return err
		}
	}
	return nil
}

// lookByTime lists all objects and reads those that were modified after the last one, the oldest first. Where there are
// too many to remember, it lists them again.
func (r *reader) lookByTime(ctx context.Context) error {
	for {
		pending, more, err := r.oldest(ctx)
		if err != nil {
			return err
		}
		for _, o := range pending {
			if err := r.read(ctx, o, 0, ""); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

// oldest returns the objects to read next, in order; more says that there are others. Only what had settled when the listing
// began counts: of what is modified during the listing, some would be seen and some not.
func (r *reader) oldest(ctx context.Context) (pending []object, more bool, err error) {
	var settled time.Time
	order := func(a, b object) int {
		return cmp.Or(a.modified.Compare(b.modified), cmp.Compare(a.key, b.key))
	}
	for o, err := range r.client.list(ctx, r.Prefix, "", 0) {
		if err != nil {
			return nil, false, err
		}
		if settled.IsZero() {
			settled = r.client.transport.now().Add(-max(r.Settle, leastSettle))
		}
		if !r.wanted(o) || !r.last.after(o) {
			continue
		}
		if o.modified.After(settled) {
			r.tellYoung(o)
			continue
		}
		if pending = append(pending, o); len(pending) == 2*mostPending {
			slices.SortFunc(pending, order)
			pending, more = pending[:mostPending], true
		}
	}
	slices.SortFunc(pending, order)
	if more { // what was dropped may stand before the rest
		pending = pending[:mostPending]
	}
	return pending, more, nil
}

// wanted reports whether an object is one to read. A key that ends in a slash is the mark of an empty folder.
func (r *reader) wanted(o object) bool {
	return strings.HasSuffix(o.key, r.Suffix) && !strings.HasSuffix(o.key, "/")
}

// tellYoung says, in a single pass, that an object is left out.
func (r *reader) tellYoung(o object) {
	if r.out.Once() {
		r.log.Info("left for a later run what has not settled", "key", o.key, "modified", o.modified)
	}
}
