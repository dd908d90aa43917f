package plugin

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

const (
	connectTimeout = time.Minute // what go-plugin gives a plugin to start
	returnTimeout  = time.Second // a host holds one connection from the start to the end, so this is generous
)

// A watch sees whether there is a host at the other end. A host that dies tells nobody, and may leave a shell between itself
// and this process, so that only its connection tells.
type watch struct {
	gone chan struct{} // closed when the host has gone, or has never come

	mu    sync.Mutex
	conns int
	timer *time.Timer
}

func newWatch() *watch {
	w := &watch{gone: make(chan struct{})}
	w.timer = time.AfterFunc(connectTimeout, w.check)
	return w
}

// check is called by the timer.
func (w *watch) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns > 0 {
		return
	}
	select {
	case <-w.gone:
	default:
		close(w.gone)
	}
}

// HandleConn implements stats.Handler.
func (w *watch) HandleConn(_ context.Context, s stats.ConnStats) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch s.(type) {
	case *stats.ConnBegin:
		w.conns++
	case *stats.ConnEnd:
		if w.conns--; w.conns == 0 {
			w.timer.Reset(returnTimeout)
		}
	}
}

// TagConn implements stats.Handler.
func (w *watch) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// TagRPC implements stats.Handler.
func (w *watch) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC implements stats.Handler.
func (w *watch) HandleRPC(context.Context, stats.RPCStats) {}
