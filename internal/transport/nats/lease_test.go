package nats

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// testLease is short, so that tests see leases end.
const testLease = time.Second

// rival returns a store of an instance on a connection of its own.
func rival(t *testing.T, s *testServer, instance string) *store {
	t.Helper()
	st := openStore(t, connect(t, s.url()), instance)
	st.leaseTime = testLease
	return st
}

// freeze makes a store behave like that of a process that is stopped or killed: it renews nothing any more.
func freeze(st *store) {
	st.lease.stop()
	<-st.lease.done
}

// thaw lets it go on.
func thaw(st *store, lost func(error)) {
	var ctx context.Context
	ctx, st.lease.stop = context.WithCancel(context.Background())
	st.lease.done = make(chan struct{})
	go st.keep(ctx, st.lease, lost)
}

func wantHeld(t *testing.T, st *store, alive bool) {
	t.Helper()
	var held *state.HeldError
	err := st.Acquire(testContext(t), nil)
	if !errors.As(err, &held) || held.Alive != alive || held.Holder.PID != os.Getpid() {
		t.Errorf("Acquire = %+v, %v; want that it is held, alive %t", held, err, alive)
	}
}

// takeOver acquires the lease as soon as it is free and returns how long that took.
func takeOver(t *testing.T, st *store) time.Duration {
	t.Helper()
	begun := time.Now()
	await(t, "the lease is taken over", func() bool { return st.Acquire(testContext(t), nil) == nil })
	return time.Since(begun)
}

func TestTheSecondCopyGetsTheLeaseWhenTheFirstEnds(t *testing.T) {
	s := startServer(t)
	first, second := acquire(t, rival(t, s, "one")), rival(t, s, "one")
	mustSave(t, first, "1")
	wantHeld(t, second, false)
	await(t, "the first is known to live", func() bool {
		var held *state.HeldError
		return errors.As(second.Acquire(testContext(t), nil), &held) && held.Alive
	})
	revision := func() uint64 {
		first.mu.Lock()
		defer first.mu.Unlock()
		return first.lease.rev
	}
	before := revision()
	await(t, "the first renews for two lease times", func() bool { return revision() > before+2*renewals })
	wantHeld(t, second, true)
	mustSave(t, first, "2")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	acquire(t, second)
	if got, err := second.Load(testContext(t)); err != nil || got.Positions["p"] != "2" {
		t.Errorf("Load = %+v, %v", got, err)
	}
}

func TestSaveNeedsTheLease(t *testing.T) {
	if err := rival(t, startServer(t), "one").Save(testContext(t), at("1")); !errors.Is(err, state.ErrNotAcquired) {
		t.Errorf("Save = %v", err)
	}
}

func TestTheLeaseOfAKilledProcessEnds(t *testing.T) {
	s := startServer(t)
	first, second := acquire(t, rival(t, s, "one")), rival(t, s, "one")
	mustSave(t, first, "1")
	freeze(first)
	if took := takeOver(t, second); took < testLease {
		t.Errorf("it was taken over after %s already", took)
	}
}

// A process that hung for longer than its lease goes on as if nothing had happened.
func TestAProcessThatLostItsLeaseSavesNothing(t *testing.T) {
	tests := []struct {
		name  string
		saved bool         // something, before
		then  func(*store) // what the other does before
	}{
		{name: "and nothing was ever saved", then: func(*store) {}},
		{name: "and something was saved", saved: true, then: func(*store) {}},
		{name: "and the other has saved", saved: true, then: func(st *store) { _ = st.Save(t.Context(), at("5")) }},
		{name: "and the other has ended", saved: true, then: func(st *store) { _ = st.Save(t.Context(), at("5")); _ = st.Close() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t)
			first, second := acquire(t, rival(t, s, "one")), rival(t, s, "one")
			if tt.saved {
				mustSave(t, first, "1")
			}
			freeze(first)
			takeOver(t, second)
			tt.then(second)
			before, err := second.Load(testContext(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := first.Save(testContext(t), at("9")); !errors.Is(err, state.ErrLost) {
				t.Errorf("Save = %v, want ErrLost", err)
			}
			after, err := openStore(t, second.conn, "one").Load(testContext(t))
			if err != nil || (before == nil) != (after == nil) || after != nil && after.Positions["p"] != before.Positions["p"] {
				t.Errorf("there is %+v after %+v, %v", after, before, err)
			}
			if second.lease != nil {
				mustSave(t, second, "6")
			}
		})
	}
}

func TestAProcessLearnsThatItLostItsLease(t *testing.T) {
	s := startServer(t)
	first, second := acquire(t, rival(t, s, "one")), rival(t, s, "one")
	freeze(first)
	takeOver(t, second)
	lost := make(chan error, 9)
	thaw(first, func(err error) { lost <- err })
	select {
	case err := <-lost:
		if !errors.Is(err, state.ErrLost) {
			t.Errorf("lost by %v", err)
		}
	case <-testContext(t).Done():
		t.Fatal("nobody is told")
	}
	<-first.lease.done
	if len(lost) > 0 {
		t.Error("it is told twice")
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	wantHeld(t, rival(t, s, "one"), false) // the end of the first did not touch the lease of the second
}

func TestWhoCannotReachTheServerTakesNothingOver(t *testing.T) {
	s := startServer(t)
	first, second := acquire(t, rival(t, s, "one")), rival(t, s, "one")
	mustSave(t, first, "1")
	wantHeld(t, second, false)
	s.stop()
	second.sight.since = second.sight.since.Add(-time.Hour) // a long outage
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var held *state.HeldError
	if err := second.Acquire(ctx, nil); err == nil || errors.As(err, &held) {
		t.Fatalf("Acquire = %v without a server", err)
	}
	s.start()
	await(t, "both are back", func() bool { return first.conn.Healthy() == nil && second.conn.Healthy() == nil })
	wantHeld(t, second, false)
	await(t, "the first saves again", func() bool { return first.Save(testContext(t), at("2")) == nil })
}

func TestALeaseIsGivenUpAfterARenewalWithoutConfirmation(t *testing.T) {
	s := startServer(t)
	first, second := acquire(t, rival(t, s, "one")), rival(t, s, "one")
	freeze(first)
	if _, err := first.kv.Put(testContext(t), first.leaseKey(), first.lease.text); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := second.Acquire(testContext(t), nil); err != nil {
		t.Errorf("Acquire = %v right after the first has ended", err)
	}
}

// A server that hangs lets nobody renew, and answers whoever asks once it goes on.
func TestAServerThatHangsTakesNoLeaseAway(t *testing.T) {
	s := startServer(t)
	p := startProxy(t, s)
	first := acquire(t, rival(t, s, "one"))
	second := openStore(t, connect(t, p.url()), "one")
	second.leaseTime = testLease
	wantHeld(t, second, false)
	freeze(first)
	p.loseWhere(func(subject string) bool {
		if strings.Contains(subject, ".GET.") && strings.HasSuffix(subject, second.leaseKey()) {
			<-time.After(testLease + testLease/renewals)
		}
		return false
	})
	if err := second.Acquire(testContext(t), nil); err == nil {
		t.Error("the lease is taken over")
	}
}

func TestASaveWithoutAnAnswerKeepsNobodyFromRenewing(t *testing.T) {
	s := startServer(t)
	p := startProxy(t, s)
	first := openStore(t, connect(t, p.url()), "one")
	first.leaseTime = testLease
	acquire(t, first)
	p.loseWhere(func(subject string) bool { return strings.HasSuffix(subject, "."+first.key()) })
	saved := make(chan error, 1)
	go func() { saved <- first.Save(testContext(t), at("1")) }()
	await(t, "the save is lost", func() bool { return p.losses() > 0 })
	wantHeld(t, rival(t, s, "one"), false)
	begun := time.Now()
	if err := <-saved; err == nil || time.Since(begun) > testLease*3/4 {
		t.Errorf("Save = %v after %s", err, time.Since(begun))
	}
	p.loseWhere(nil)
	mustSave(t, first, "2")
}

func TestABucketThatIsDeletedBelongsToNobodyOnceTheLeaseIsOver(t *testing.T) {
	s := startServer(t)
	first := rival(t, s, "one")
	first.leaseTime = 2 * testLease // the client library takes half a second to find that nobody answers
	acquire(t, first)
	mustSave(t, first, "1")
	freeze(first)
	if err := first.conn.js.DeleteKeyValue(testContext(t), StateBucket); err != nil {
		t.Fatal(err)
	}
	first.lease.renewed = first.lease.renewed.Add(-first.leaseTime)
	if err := first.Save(testContext(t), at("2")); !errors.Is(err, state.ErrLost) {
		t.Errorf("Save = %v, want ErrLost", err)
	}
	if _, err := first.conn.js.KeyValue(testContext(t), StateBucket); !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("the bucket was made anew: %v", err)
	}
}

func TestInspectTellsWhetherTheHolderLives(t *testing.T) {
	s := startServer(t)
	first, other := acquire(t, rival(t, s, "one")), rival(t, s, "one")
	for _, alive := range []bool{true, false} {
		info, err := other.Inspect(testContext(t))
		if err != nil || info.Held == nil || info.Held.Alive != alive || info.Held.Holder.PID != os.Getpid() || info.Written.IsZero() {
			t.Errorf("Inspect = %+v, %v; want alive %t", info, err, alive)
		}
		freeze(first)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := other.Inspect(testContext(t)); err != nil || info.Held != nil {
		t.Errorf("Inspect = %+v, %v", info, err)
	}
}
