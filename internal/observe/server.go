package observe

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"
)

// grace is how long the end of a server waits for answers that are on their way.
const grace = time.Second

// ServerConfig is what Serve needs.
type ServerConfig struct {
	// Addr is HOST:PORT to listen at; port 0 takes a free one.
	Addr string
	// Metrics are those of the instances that run in this process.
	Metrics []*Metrics
	// Profiles serves /debug/pprof, too. Profiles tell a lot about a program, so it is a choice of its own.
	Profiles bool
	Log      *slog.Logger
}

// A Server answers those who watch the process: /metrics, /healthz, /readyz and, if asked for, /debug/pprof.
type Server struct {
	addr   string
	http   *http.Server
	cancel context.CancelFunc // of the requests
	stop   func() bool        // so that it does not end with the context any more
	served chan struct{}      // closed when the listener is
	ending sync.Once
}

// Serve starts a server and logs its address. It returns as soon as the server listens, with an error if it cannot. The
// server ends with Close, or when ctx does.
func Serve(ctx context.Context, c ServerConfig) (*Server, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("serve metrics at %q: %w; choose another --metrics-addr", c.Addr, err)
	}
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Server{addr: l.Addr().String(), cancel: cancel, served: make(chan struct{})}
	s.http = &http.Server{
		Handler:           handler(c),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      10 * time.Second, // a profile that is asked for takes its time on top
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(l); err != http.ErrServerClosed {
			c.Log.Error("metrics are no longer served", "error", err)
		}
	}()
	s.stop = context.AfterFunc(ctx, s.end)
	c.Log.Info("serving metrics", "address", "http://"+s.addr+"/metrics")
	return s, nil
}

// Addr is where the server listens, with the port it got.
func (s *Server) Addr() string { return s.addr }

// Close ends the server, at the latest after a second, and waits until it has ended. It may be called more than once,
// and on nil.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.stop()
	s.end()
}

func (s *Server) end() {
	s.ending.Do(func() {
		s.cancel()
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			_ = s.http.Close() // the listener is closed already, and connections have nothing to lose
		}
		<-s.served
	})
}

func handler(c ServerConfig) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_ = Write(w, c.Metrics...) // an error means that nobody listens
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if text := notReady(c.Metrics); text != "" {
			answer(w, http.StatusServiceUnavailable, text)
			return
		}
		answer(w, http.StatusOK, "ready\n")
	})
	if c.Profiles {
		// The command line, which pprof would show too, may hold a secret.
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// notReady says which parts do not work, one to a line; nothing if all do.
func notReady(all []*Metrics) string {
	var b bytes.Buffer
	for _, m := range all {
		for _, f := range m.health.failures() {
			if len(all) > 1 {
				fmt.Fprintf(&b, "%s: ", m.info.Name)
			}
			fmt.Fprintln(&b, f)
		}
	}
	return b.String()
}
