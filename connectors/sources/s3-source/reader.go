package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/patchbay-dev/patchbay/common"
)

// What is sent at once: whatever comes first.
const (
	mostRecords = 500
	mostBytes   = 256 << 10
)

// errChanged says that an object is no longer the one that was listed, and is left to a later listing.
var errChanged = errors.New("the object was overwritten meanwhile")

// A reader reads one object after another, in one session.
type reader struct {
	*S3Source
	out    common.Output
	client *client
	log    *slog.Logger
	last   position // of what was read last
}

// resume reads the rest of the object that was being read when the last run ended.
func (r *reader) resume(ctx context.Context) error {
	if r.last.whole() {
		return nil
	}
	return r.read(ctx, object{r.last.Key, r.last.ETag, r.last.Modified}, r.last.Offset, r.last.Form)
}

// read sends the records of an object from an offset on. What is gone, or is bad and may be skipped, counts as read.
func (r *reader) read(ctx context.Context, o object, offset int64, form string) error {
	before := r.last
	err := r.send(ctx, o, offset, form)
	var bad *badObject
	switch {
	case err == nil:
	case errors.Is(err, errGone), errors.Is(err, errChanged):
		r.log.Warn("cannot read an object that was listed", "key", o.key, "error", err)
	case errors.As(err, &bad) && r.BadObjects == "skip":
		r.log.Warn("skipped a bad object, or the rest of one", "key", o.key, "error", err)
	case errors.As(err, &bad):
		return common.Permanent(fmt.Errorf("object %q: %w; mend or remove it, or choose --bad-objects skip", o.key, err))
	default:
		return fmt.Errorf("object %q: %w", o.key, err)
	}
	if r.last == before { // it had no record
		r.last = r.at(o, 0, "")
	} else if r.last.whole() { // its record says so
		return nil
	}
	r.last.Offset, r.last.Form = 0, ""
	return r.out.Advance(ctx, "", r.last.String())
}

// at is the position in an object.
func (r *reader) at(o object, offset int64, form string) position {
	return position{positionVersion, r.Order, o.key, o.etag, o.modified, offset, form}
}

// send is read for an object that is there and good.
func (r *reader) send(ctx context.Context, o object, offset int64, form string) error {
	var from int64
	if form == formOf(r.Split, "none") {
		from = offset // the server can go there
	}
	content, now, err := r.client.get(ctx, o.key, from)
	ended := errors.Is(err, errShort)
	if ended {
		from = 0
		content, now, err = r.client.get(ctx, o.key, from)
	}
	if err != nil {
		return err
	}
	defer content.Close()
	changed := now.etag != o.etag
	if changed && r.Order == "modified" && !now.modified.Equal(o.modified.Truncate(time.Second)) {
		return errChanged
	}
	if ended && !changed {
		return nil
	}
	if changed {
		o = now.object
	}
	compression := r.compression(o.key, now.coding)
	if offset > 0 && (changed || form != formOf(r.Split, compression)) {
		r.log.Warn("the object, or how it is split, is no longer what it was when a part of it was read; reading it from its start", "key", o.key)
		if from > 0 {
			return r.send(ctx, o, 0, "")
		}
		offset = 0
	}
	plain, err := decompress(content, compression)
	if err != nil {
		return content.blame(err)
	}
	defer plain.Close()
	if skip := offset - from; skip > 0 {
		if _, err := io.CopyN(io.Discard, plain, skip); err != nil {
			return content.blame(err)
		}
	}
	split := newSplitter(r.Split, plain, r.MaxRecord, offset)
	return content.blame(r.forward(ctx, split, now, o, formOf(r.Split, compression)))
}

// formOf names what offsets count in.
func formOf(split, compression string) string { return split + " " + compression }

// forward sends the records of a splitter.
func (r *reader) forward(ctx context.Context, split splitter, p properties, o object, form string) error {
	headers := r.headers(p, o, form)
	var records []common.Record
	size := 0
	for {
		value, end, err := split.next()
		if err == nil {
			r.last = r.at(o, end, form)
			if r.Split == "none" {
				r.last = r.at(o, 0, "")
			}
			records = append(records, common.Record{
				Key: o.key, Subject: o.key, Time: o.modified, Position: r.last.String(), Headers: headers, Value: value,
			})
			size += len(value)
		}
		if len(records) > 0 && (err != nil || len(records) == mostRecords || size >= mostBytes) {
			if err := r.out.Send(ctx, records...); err != nil {
				return &sendError{err}
			}
			clear(records)
			records, size = records[:0], 0
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// A sendError is one of delivery, not of an object.
type sendError struct{ error }

func (e *sendError) Unwrap() error { return e.error }

// blame tells what an error in the middle of an object is: one of the way, of delivery, or else of what is in the object.
func (b *body) blame(err error) error {
	var sending *sendError
	switch {
	case err == nil:
		return nil
	case b.failed != nil:
		return b.failed
	case errors.As(err, &sending):
		return sending.error
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		err = errors.New("it ends in the middle of something")
	}
	return &badObject{err}
}

// headers are those of all records of an object.
func (r *reader) headers(p properties, o object, form string) map[string]string {
	h := map[string]string{"bucket": r.Bucket, "etag": o.etag, "last-modified": o.modified.Format(time.RFC3339Nano)}
	if p.version != "" {
		h["version-id"] = p.version
	}
	switch {
	case strings.HasPrefix(r.Split, "json"):
		h["content-type"] = "application/json"
	case p.coding == "" && form != formOf(r.Split, "none"): // it is the type of the compressed object
	case p.kind != "":
		h["content-type"] = p.kind
	}
	return h
}
