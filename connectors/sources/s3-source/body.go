package main

import (
	"context"
	"io"
)

// A body is the content of an object on its way. It tells failures of the way from those of what is in the object.
type body struct {
	content io.ReadCloser
	explain func(error) error
	failed  error // other than the end
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	if err != nil && err != io.EOF {
		err = b.explain(err)
		b.failed = err
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error { return b.content.Close() }

// get asks for an object from a byte on. The error is errGone if there is none, and errShort if it has no such byte.
func (c *client) get(ctx context.Context, key string, from int64) (*body, properties, error) {
	b := &body{explain: func(err error) error { return c.explain(ctx, err, "s3:GetObject") }}
	options, err := rangeFrom(from)
	if err != nil {
		return nil, properties{}, err
	}
	content, info, header, err := c.s3.GetObject(ctx, c.Bucket, key, options)
	if err != nil {
		return nil, properties{}, b.explain(err)
	}
	b.content = content
	if from > 0 && header.Get("Content-Range") == "" { // a server that knows no ranges
		_, err = io.CopyN(io.Discard, b, from)
		if err == io.EOF {
			err = errShort
		}
		if err != nil {
			_ = b.Close()
			return nil, properties{}, err
		}
	}
	return b, properties{
		object:  object{key: key, etag: info.ETag, modified: info.LastModified.UTC()},
		kind:    header.Get("Content-Type"),
		coding:  header.Get("Content-Encoding"),
		version: info.VersionID,
	}, nil
}
