package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/patchbay-dev/patchbay/common"
)

var (
	errGone  = errors.New("there is no such object")
	errShort = errors.New("the object is shorter than it was")
)

// A badObject is an error that concerns what one object is, and that no retry mends.
type badObject struct{ error }

func (e *badObject) Unwrap() error { return e.error }

// explain gives an error of the library a text that says what to do, and marks it as permanent if no retry can mend it.
// right names the permission that the request takes.
func (c *client) explain(ctx context.Context, err error, right string) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		return c.refused(answer, right)
	}
	var outer *url.Error
	for errors.As(err, &outer) { // its text holds the query
		err = outer.Err
	}
	if strings.HasPrefix(err.Error(), "Connection closed by foreign host") { // the library's word, with the address
		err = errors.New("the server closed the connection")
	}
	var authority x509.UnknownAuthorityError
	if errors.As(err, &authority) {
		err = fmt.Errorf("%w; --ca-file names an authority to trust", err)
	}
	return fmt.Errorf("%s: %w", c.Endpoint.Host, err)
}

// refused explains an answer of the server that is an error.
func (c *client) refused(answer minio.ErrorResponse, right string) error {
	err := fmt.Errorf("the server answered %d %s: %w", answer.StatusCode, answer.Code, answer)
	if answer.StatusCode == 0 {
		err = answer // an error of the library itself
	}
	switch answer.Code { // of the S3 API reference, "List of error codes"
	case "NoSuchKey":
		return errGone
	case "InvalidRange":
		return errShort
	case "InvalidObjectState":
		return &badObject{errors.New("it is archived; restore it to a storage class that can be read at once")}
	case "NoSuchBucket":
		return common.Permanent(fmt.Errorf("%w; check --bucket, --endpoint and --region", err))
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "InvalidTokenId":
		return common.Permanent(fmt.Errorf("%w; check --access-key-id, --secret-access-key and --session-token", err))
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "InvalidRegion", "IllegalLocationConstraintException":
		if answer.Region != "" {
			return common.Permanent(fmt.Errorf("%w; give --region %s", err, answer.Region))
		}
		return common.Permanent(fmt.Errorf("%w; check --region and --endpoint", err))
	case "RequestTimeTooSkewed":
		return common.Permanent(fmt.Errorf("%w; set this machine's clock", err))
	case "RequestTimeout":
		return err
	}
	switch {
	case answer.StatusCode == http.StatusNotFound && answer.Key != "":
		return errGone
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return common.Permanent(fmt.Errorf("%w; %s", err, c.permit(right)))
	case answer.StatusCode >= 300 && answer.StatusCode < 500 && answer.StatusCode != http.StatusRequestTimeout &&
		answer.StatusCode != http.StatusTooManyRequests:
		return common.Permanent(fmt.Errorf("%w; check --endpoint, --bucket and --region", err))
	}
	return err
}

// permit says how to be allowed what takes a permission.
func (c *client) permit(right string) string {
	if value, err := c.s3.GetCreds(); err == nil && value.SignerType.IsAnonymous() {
		if c.Anonymous {
			return "it is not open to everybody: give --access-key-id and --secret-access-key in place of --anonymous"
		}
		return "no credentials were found: give --access-key-id and --secret-access-key, or --anonymous"
	}
	return fmt.Sprintf("let the access key do %s on it", right)
}
