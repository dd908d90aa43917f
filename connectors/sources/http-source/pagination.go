package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/itchyny/gojq"

	"github.com/patchbay-dev/patchbay/common"
)

// A follower finds the address of the page after page n, counted from 1. It returns nil after the last.
type follower func(ctx context.Context, pg *page, n int) (*url.URL, error)

// follower makes what --pagination asks for.
func (s *HTTPSource) follower() (follower, error) {
	if s.NextURL != "" && s.Pagination != "jq" {
		return nil, common.Invalid("next-url", "has no effect without --pagination jq")
	}
	switch s.Pagination {
	case "link":
		return byLink, nil
	case "jq":
		return byExpression(s.NextURL)
	}
	return func(context.Context, *page, int) (*url.URL, error) { return nil, nil }, nil
}

// byLink follows the header Link (RFC 8288).
func byLink(_ context.Context, pg *page, _ int) (*url.URL, error) {
	for _, header := range pg.header.Values("Link") {
		if target, ok := nextLink(header); ok {
			return pg.resolve(target)
		}
	}
	return nil, nil
}

// byExpression follows what a jq expression makes of the body.
func byExpression(expression string) (follower, error) {
	if expression == "" {
		return nil, common.Invalid("pagination", "jq needs --next-url EXPR, which makes the address of the next page")
	}
	query, err := gojq.Parse(expression)
	if err != nil {
		return nil, common.Invalid("next-url", "%v", err)
	}
	code, err := gojq.Compile(query, gojq.WithVariables([]string{"$url", "$page", "$status", "$headers"}))
	if err != nil {
		return nil, common.Invalid("next-url", "%v", err)
	}
	return func(ctx context.Context, pg *page, n int) (*url.URL, error) {
		var body any
		if len(pg.body) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(pg.body))
			decoder.UseNumber() // a cursor may be a number that no float64 holds
			if err := decoder.Decode(&body); err != nil {
				return nil, errors.New("--next-url needs a body that is JSON")
			}
		}
		headers := map[string]any{}
		for name, value := range pg.headers() {
			headers[name] = value
		}
		value, _ := code.RunWithContext(ctx, body, pg.url.String(), n, pg.status, headers).Next()
		switch target := value.(type) {
		case error:
			return nil, fmt.Errorf("--next-url: %w", target)
		case string:
			if target != "" {
				return pg.resolve(target)
			}
			return nil, nil
		}
		if value == nil || value == false {
			return nil, nil
		}
		return nil, fmt.Errorf("--next-url gives a value of type %s, not an address", gojq.TypeOf(value))
	}, nil
}

// resolve reads an address that the page names, which may be relative to its own.
func (pg *page) resolve(target string) (*url.URL, error) {
	next, err := pg.url.Parse(target)
	if err != nil || next.Scheme != "http" && next.Scheme != "https" || next.Host == "" {
		return nil, errors.New("what the page names is no http or https address") // it may hold a token: not quoted
	}
	next.User, next.Fragment, next.RawFragment = nil, "", ""
	return next, nil
}
