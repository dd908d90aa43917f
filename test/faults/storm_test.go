package faults_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/internal/transport/nats"
)

// crowd is how many connections come back at a time.
const crowd = 50

// storm is a part: many connections to one server, until it is told to stop. The argument is the server's URL. It ends with
// status 1 if a goroutine is left.
func storm() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	before := goleak.IgnoreCurrent()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	var conns []*nats.Conn
	for i := range crowd {
		conn, err := nats.Connect(ctx, nats.Config{
			URL: os.Args[1], Topic: topic, Name: fmt.Sprint(i), Connector: "storm", Logger: log,
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		conns = append(conns, conn)
	}
	fmt.Fprintln(os.Stderr, "all connected")
	<-ctx.Done()
	for _, conn := range conns {
		conn.Close()
	}
	if err := goleak.Find(before); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestManyReconnect(t *testing.T) {
	f := fault{name: "reconnect storm of 50 connections", on: []string{onNATS}, recovery: recoveryBound}
	run(t, f, func(r *rig) outcome {
		b := r.broker()
		p := start(r.T, r.dir, "storm", "nats://"+b.address())
		p.says("all connected", 1)
		b.kill()
		p.says("connection is lost", crowd)
		attempts, stood := countAttempts(r.T, b.address(), 2*time.Second)
		if len(attempts) < crowd {
			r.Fatalf("the fault did not hit: %d attempts", len(attempts))
		}
		first := attempts[0]
		// The first tries are close together by any reckoning; those after half a second must not be.
		// What comes right after the machine stood still says nothing: it would have come before.
		late := slices.DeleteFunc(attempts, func(at time.Time) bool {
			return at.Sub(first) < 500*time.Millisecond ||
				slices.ContainsFunc(stood, func(until time.Time) bool { return at.Sub(until).Abs() < 50*time.Millisecond })
		})
		if n := densest(late, 50*time.Millisecond); n > crowd*3/4 {
			r.Errorf("%d of %d connections came back within 50 ms", n, crowd)
		}
		b.start()
		returned := time.Now()
		p.says("connection is back", crowd)
		recovery := time.Since(returned)
		p.stop(0, r.grace)
		return outcome{Sent: crowd, Recovery: recovery}
	})
}

// countAttempts takes the place of a server for some time and returns when somebody tried to connect, and until when the machine
// had no time for us.
func countAttempts(t *testing.T, address string, d time.Duration) (attempts, stood []time.Time) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			attempts = append(attempts, time.Now())
			conn.Close()
		}
	})
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	begun := time.Now()
	for last := begun; last.Sub(begun) < d; {
		<-ticker.C
		now := time.Now()
		if now.Sub(last) > 25*time.Millisecond {
			stood = append(stood, now)
		}
		last = now
	}
	l.Close()
	listening.Wait()
	return attempts, stood
}

// densest returns how many of some moments lie within a span of time, at most.
func densest(moments []time.Time, span time.Duration) (most int) {
	for i, from := range moments {
		n, _ := slices.BinarySearchFunc(moments[i:], from.Add(span), time.Time.Compare)
		most = max(most, n)
	}
	return most
}
