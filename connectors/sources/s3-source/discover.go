package main

import (
	"context"
	"slices"

	"github.com/patchbay-dev/patchbay/common"
)

// Discover implements common.Discoverer: it finds the buckets, and in one that is given the folders behind the prefix.
func (s *S3Source) Discover(ctx context.Context) ([]common.Found, error) {
	client, err := s.connect()
	if err != nil {
		return nil, err
	}
	defer client.close()
	list := client.buckets
	if s.Bucket != "" {
		list = client.folders
	}
	names, err := list(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	found := make([]common.Found, len(names))
	for i, name := range names {
		found[i] = common.Found{Name: name, Options: map[string]any{"bucket": name}}
		if s.Bucket != "" {
			found[i].Options = map[string]any{"bucket": s.Bucket, "prefix": name}
		}
	}
	return found, nil
}

var _ common.Discoverer = (*S3Source)(nil)
