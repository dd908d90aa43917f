package connect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/patchbay-dev/patchbay/common/record"
)

// serviceTimeout is how long an answer may take where the step does not say.
const serviceTimeout = 5 * time.Second

// Headers of the answer of a NATS service that failed (NATS architecture decision 32).
const (
	headerServiceError = "Nats-Service-Error"
	headerServiceCode  = "Nats-Service-Error-Code"
)

// check returns the timeout.
func (s *service) check() (time.Duration, error) {
	if !validSubject(s.Endpoint, false) {
		return 0, errors.New("service.endpoint: " + subjectAdvice("without wildcards"))
	}
	if s.Timeout == "" {
		return serviceTimeout, nil
	}
	timeout, err := time.ParseDuration(s.Timeout)
	if err != nil || timeout <= 0 {
		return 0, errors.New("service.timeout: give a duration such as 5s")
	}
	return timeout, nil
}

// newService makes the stage that replaces a payload by the answer of a service. One request is made after the other, so
// that records keep their order. Where nobody answers, it asks again until somebody does; what the service answers with an
// error cannot be transformed.
func (c *chain) newService(nc *nats.Conn, endpoint string, timeout time.Duration, log *slog.Logger) stage {
	return c.perRecord(func(ctx context.Context, rec record.Record) ([]record.Record, error) {
		for try := 0; ; try++ {
			answer, err := ask(ctx, nc, message(endpoint, &rec), timeout)
			if err == nil {
				if text := answer.Header.Get(headerServiceError) + answer.Header.Get(headerServiceCode); text != "" {
					return nil, fmt.Errorf("service %s answers error %s: %s", endpoint, answer.Header.Get(headerServiceCode), answer.Header.Get(headerServiceError))
				}
				rec.Value = answer.Data
				return []record.Record{rec}, nil
			}
			if errors.Is(err, nats.ErrMaxPayload) {
				return nil, fmt.Errorf("service %s: %w", endpoint, err)
			}
			log.Warn("a service does not answer, asking again", "endpoint", endpoint, "error", err)
			select {
			case <-time.After(delay(try)):
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
	})
}

func ask(ctx context.Context, nc *nats.Conn, m *nats.Msg, timeout time.Duration) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return nc.RequestMsgWithContext(ctx, m)
}
