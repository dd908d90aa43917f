package nats

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/internal/state"
)

// openStore returns a store that has no lease yet. It is closed, and so gives its lease up, when the test ends.
func openStore(t *testing.T, c *Conn, instance string) *store {
	t.Helper()
	s, err := c.Store(testContext(t), "", instance)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // the server may be gone
	return s.(*store)
}

func acquire(t *testing.T, s *store) *store {
	t.Helper()
	if err := s.Acquire(testContext(t), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func at(position string) *state.State {
	return &state.State{Connector: "x", Positions: map[string]string{"p": position}}
}

func mustSave(t *testing.T, s *store, position string) {
	t.Helper()
	if err := s.Save(testContext(t), at(position)); err != nil {
		t.Fatal(err)
	}
}

// mustLoad looks at what another process would load, without a lease.
func mustLoad(t *testing.T, c *Conn, instance, position string) {
	t.Helper()
	got, err := openStore(t, c, instance).Load(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(at(position), got); d != "" {
		t.Errorf("state differs (-want +got):\n%s", d)
	}
}

func bucket(t *testing.T, c *Conn) jetstream.KeyValue {
	t.Helper()
	kv, err := c.js.KeyValue(testContext(t), StateBucket)
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func TestStoreKeepsAStatePerInstance(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	instances := []string{"file-source-orders.eu", "file-source-orders=eu", "größe /*>", ".."}
	for _, name := range instances {
		st := acquire(t, openStore(t, c, name))
		if got, err := st.Load(testContext(t)); got != nil || err != nil {
			t.Fatalf("%s: Load = %+v, %v before anything was saved", name, got, err)
		}
		mustSave(t, st, "1")
		mustSave(t, st, name)
	}
	s.stop() // what was saved outlives the server
	s.start()
	again := connect(t, s.url())
	for _, name := range instances {
		mustLoad(t, again, name, name)
	}
}

func TestStoreRefusesEveryDamage(t *testing.T) {
	c := connect(t, startServer(t).url())
	st := acquire(t, openStore(t, c, "one"))
	mustSave(t, st, "7")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	kv := bucket(t, c)
	entry, err := kv.Get(testContext(t), "one")
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(what string, n int, doc []byte) {
		t.Helper()
		if _, err := kv.Put(testContext(t), "one", doc); err != nil {
			t.Fatal(err)
		}
		got, err := openStore(t, c, "one").Load(testContext(t))
		if got != nil || !errors.Is(err, state.ErrDamaged) && !errors.Is(err, state.ErrVersion) ||
			!strings.Contains(err.Error(), "key one of bucket "+StateBucket) {
			t.Errorf("%s at byte %d: Load = %+v, %v", what, n, got, err)
		}
	}
	for n := range entry.Value() {
		damaged("cut off", n, entry.Value()[:n])
		doc := bytes.Clone(entry.Value())
		doc[n] ^= 32 // the case of a letter, for one
		damaged("flipped", n, doc)
	}
	// A process that acquires the lease on what is damaged leaves it as it is, and can replace it.
	acquire(t, st)
	if _, err := st.Load(testContext(t)); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("Load with the lease: %v", err)
	}
	mustSave(t, st, "8")
	mustLoad(t, c, "one", "8")
}

func TestStoreTakesADeletedKeyForNew(t *testing.T) {
	c := connect(t, startServer(t).url())
	st := acquire(t, openStore(t, c, "one"))
	mustSave(t, st, "1")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err := bucket(t, c).Delete(testContext(t), "one"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := st.Load(testContext(t)); got != nil || err != nil {
			t.Errorf("Load = %+v, %v", got, err)
		}
		acquire(t, st)
	}
}

func TestAStateThatIsDeletedWhileItIsInUseIsSavedAgain(t *testing.T) {
	c := connect(t, startServer(t).url())
	st := acquire(t, openStore(t, c, "one"))
	mustSave(t, st, "1")
	if err := bucket(t, c).Delete(testContext(t), "one"); err != nil {
		t.Fatal(err)
	}
	mustSave(t, st, "2")
	mustLoad(t, c, "one", "2")
}

func TestASaveWhoseConfirmationWasLostIsNoForeignOne(t *testing.T) {
	c := connect(t, startServer(t).url())
	st := acquire(t, openStore(t, c, "one"))
	mustSave(t, st, "1")
	before := st.rev
	mustSave(t, st, "2")
	st.rev = before // as if nobody had said that it succeeded
	mustSave(t, st, "3")
	mustLoad(t, c, "one", "3")
}

func TestABucketThatIsDeletedIsMadeAnewWithItsState(t *testing.T) {
	var log syncBuffer
	c := connect(t, startServer(t).url(), func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	st := acquire(t, openStore(t, c, "one"))
	mustSave(t, st, "1")
	if err := c.js.DeleteKeyValue(testContext(t), StateBucket); err != nil {
		t.Fatal(err)
	}
	mustSave(t, st, "2")
	mustLoad(t, c, "one", "2")
	if !strings.Contains(log.String(), "the state bucket was deleted while it was in use") {
		t.Errorf("nobody is told: %s", log.String())
	}
	var held *state.HeldError
	if err := openStore(t, c, "one").Acquire(testContext(t), nil); !errors.As(err, &held) {
		t.Errorf("Acquire = %v; want that it is held", err)
	}
}

func TestABucketThatIsDeletedWhileNothingIsSavedIsMadeAnewToo(t *testing.T) {
	c := connect(t, startServer(t).url())
	st := openStore(t, c, "one")
	st.leaseTime /= 2
	mustSave(t, acquire(t, st), "1")
	if err := c.js.DeleteKeyValue(testContext(t), StateBucket); err != nil {
		t.Fatal(err)
	}
	await(t, "the renewal makes the bucket anew", func() bool {
		got, err := openStore(t, c, "one").Load(testContext(t))
		return err == nil && got != nil && got.Positions["p"] == "1"
	})
}

func TestStoreMakesNoBucketBeforeTheLease(t *testing.T) {
	c := connect(t, startServer(t).url())
	st := openStore(t, c, "one")
	if got, err := st.Load(testContext(t)); got != nil || err != nil {
		t.Errorf("Load = %+v, %v", got, err)
	}
	if info, err := st.Inspect(testContext(t)); info != (state.Info{}) || err != nil {
		t.Errorf("Inspect = %+v, %v", info, err)
	}
	if _, err := c.js.KeyValue(testContext(t), StateBucket); !errors.Is(err, jetstream.ErrBucketNotFound) {
		t.Errorf("there is a bucket: %v", err)
	}
}

func TestManyMakersOfOneBucket(t *testing.T) {
	c := connect(t, startServer(t).url())
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() { acquire(t, openStore(t, c, strings.Repeat("x", n+1))) })
	}
	wg.Wait()
}

func TestStoreNeedsAnInstance(t *testing.T) {
	if _, err := connect(t, startServer(t).url()).Store(testContext(t), "", ""); err == nil {
		t.Error("no error")
	}
}
