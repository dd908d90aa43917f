package delivery

import (
	"context"
	"log/slog"
)

type logKey struct{}

// withLog gives the connector that runs under ctx its logger.
func withLog(ctx context.Context, log *slog.Logger) context.Context {
	return context.WithValue(ctx, logKey{}, log)
}

// Log returns the logger of the connector that runs under ctx, or one that drops everything.
func Log(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(logKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.New(slog.DiscardHandler)
}
