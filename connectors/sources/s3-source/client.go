package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/patchbay-dev/patchbay/common/tlsfiles"
)

// tries is how often the library sends a request: it learns the region of a bucket from a first refusal. Retries proper are
// left to new sessions.
const tries = 2

// An object is one state of what a key names.
type object struct {
	key, etag string
	modified  time.Time
}

// properties are what the server tells of an object beside its content.
type properties struct {
	object
	kind, coding, version string // Content-Type, Content-Encoding, the id of the version; empty if there is none
}

// A client asks one bucket of one server.
type client struct {
	*S3Source
	s3        *minio.Core
	transport *transport
}

// connect makes a client. It reads the files that the options name, and does not connect yet.
func (s *S3Source) connect() (*client, error) {
	secure := s.Endpoint.Scheme == "https"
	base, err := minio.DefaultTransport(secure) // which does not decompress
	if err != nil {
		return nil, err
	}
	if s.CAFile != "" && secure {
		if base.TLSClientConfig.RootCAs, err = tlsfiles.Roots(s.CAFile, true); err != nil {
			return nil, err
		}
	}
	c := &client{S3Source: s, transport: &transport{Transport: base, timeout: s.Timeout}}
	c.s3, err = minio.NewCore(s.Endpoint.Host, &minio.Options{
		Creds: s.credentials(), Secure: secure, Transport: c.transport, Region: s.Region, MaxRetries: tries,
		BucketLookup: map[string]minio.BucketLookupType{
			"auto": minio.BucketLookupAuto, "path": minio.BucketLookupPath, "host": minio.BucketLookupDNS,
		}[s.Addressing],
	})
	if err != nil {
		return nil, err
	}
	c.s3.SetAppInfo("patchbay-"+info.Name, info.Version)
	return c, nil
}

// close closes connections that are not in use.
func (c *client) close() { c.transport.CloseIdleConnections() }

// credentials are those of the options, else what other tools for S3 would use. Without any, requests are anonymous.
func (s *S3Source) credentials() *credentials.Credentials {
	switch {
	case s.Anonymous:
		return credentials.NewStatic("", "", "", credentials.SignatureAnonymous)
	case s.AccessKeyID != "":
		return credentials.NewStaticV4(s.AccessKeyID, s.SecretAccessKey.Reveal(), s.SessionToken.Reveal())
	}
	return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}})
}

// buckets lists the buckets that belong to the access key's owner.
func (c *client) buckets(ctx context.Context) (names []string, err error) {
	all, err := c.s3.ListBuckets(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the buckets: %w", c.explain(ctx, err, "s3:ListAllMyBuckets"))
	}
	for _, b := range all {
		names = append(names, b.Name)
	}
	return names, nil
}

// folders lists the beginnings up to the next slash that the keys behind the prefix have.
func (c *client) folders(ctx context.Context) (prefixes []string, err error) {
	for o := range c.s3.ListObjectsIter(ctx, c.Bucket, minio.ListObjectsOptions{Prefix: c.Prefix}) {
		if o.Err != nil {
			return nil, fmt.Errorf("list bucket %s: %w", c.Bucket, c.explain(ctx, o.Err, "s3:ListBucket"))
		}
		if o.ETag == "" { // else it is an object, perhaps the mark of an empty folder
			prefixes = append(prefixes, o.Key)
		}
	}
	return prefixes, context.Cause(ctx) // when that ends, the listing just ends, too
}

// list yields the objects after a key, in the order of their keys, page by page. It ends with the first error.
func (c *client) list(ctx context.Context, prefix, after string, page int) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		owner := false
		listing := c.s3.ListObjectsIter(ctx, c.Bucket, minio.ListObjectsOptions{
			Prefix: prefix, StartAfter: after, Recursive: true, MaxKeys: page, FetchOwner: &owner,
		})
		for o := range listing {
			if o.Err != nil {
				yield(object{}, fmt.Errorf("list bucket %s: %w", c.Bucket, c.explain(ctx, o.Err, "s3:ListBucket")))
				return
			}
			if !yield(object{o.Key, o.ETag, o.LastModified.UTC()}, nil) {
				return
			}
		}
		if ctx.Err() != nil { // the listing just ends then
			yield(object{}, context.Cause(ctx))
		}
	}
}

// stat asks whether an object can be read. The error is errGone if there is none.
func (c *client) stat(ctx context.Context, key string) error {
	_, err := c.s3.StatObject(ctx, c.Bucket, key, minio.StatObjectOptions{})
	return c.explain(ctx, err, "s3:GetObject")
}

// rangeFrom asks for all from a byte on.
func rangeFrom(from int64) (options minio.GetObjectOptions, err error) {
	if from > 0 {
		err = options.SetRange(from, 0)
	}
	return options, err
}
