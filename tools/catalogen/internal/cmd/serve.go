package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

type serveCmd struct {
	rootFlag
	Addr string `help:"Address to listen on; port 0 is any free one." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
}

// shutdownTime is how long requests may go on after the signal to stop.
const shutdownTime = 2 * time.Second

// Run serves the site until it is told to stop.
func (c serveCmd) Run(ctx context.Context, s streams) error {
	dir := filepath.Join(c.Root, "catalog", "site")
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return fmt.Errorf("there is no site at %s; to make it: make catalog", dir)
	}
	// os.Root keeps requests inside the folder whatever links lie in it.
	site, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer site.Close()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another with --addr", c.Addr, err)
	}
	server := &http.Server{Handler: http.FileServerFS(site.FS()), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(s.out, "http://%s/\n", listener.Addr())
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		stopped <- server.Shutdown(last)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
