package nats

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay-dev/patchbay/internal/state"
)

func openStore(t *testing.T, c *Conn, instance string) state.Store {
	t.Helper()
	s, err := c.Store(testContext(t), "", instance)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStoreKeepsAStatePerInstance(t *testing.T) {
	s := startServer(t)
	c := connect(t, s.url())
	instances := []string{"file-source-orders.eu", "file-source-orders=eu", "größe /*>", ".."}
	for _, name := range instances {
		st := openStore(t, c, name)
		if got, err := st.Load(testContext(t)); got != nil || err != nil {
			t.Fatalf("%s: Load = %+v, %v before anything was saved", name, got, err)
		}
		for _, pos := range []string{"1", "2"} {
			if err := st.Save(testContext(t), &state.State{Connector: name, Positions: map[string]string{"p": pos}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.stop() // what was saved outlives the server
	s.start()
	again := connect(t, s.url())
	for _, name := range instances {
		want := &state.State{Connector: name, Positions: map[string]string{"p": "2"}}
		got, err := openStore(t, again, name).Load(testContext(t))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: state differs (-want +got):\n%s", name, d)
		}
	}
}

func TestStoreRefusesDamage(t *testing.T) {
	c := connect(t, startServer(t).url())
	st := openStore(t, c, "one")
	kv, err := c.js.KeyValue(testContext(t), StateBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(testContext(t), "one", []byte(`{"version":1,`)); err != nil {
		t.Fatal(err)
	}
	got, err := st.Load(testContext(t))
	if got != nil || !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "one") {
		t.Errorf("Load = %+v, %v", got, err)
	}
}

func TestStoreTakesADeletedKeyForNew(t *testing.T) {
	c := connect(t, startServer(t).url())
	st := openStore(t, c, "one")
	if err := st.Save(testContext(t), &state.State{Connector: "x"}); err != nil {
		t.Fatal(err)
	}
	kv, err := c.js.KeyValue(testContext(t), StateBucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := kv.Delete(testContext(t), "one"); err != nil {
		t.Fatal(err)
	}
	if got, err := st.Load(testContext(t)); got != nil || err != nil {
		t.Errorf("Load = %+v, %v", got, err)
	}
}

func TestManyMakersOfOneBucket(t *testing.T) {
	c := connect(t, startServer(t).url())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.Store(testContext(t), "", "one"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestStoreNeedsAnInstance(t *testing.T) {
	if _, err := connect(t, startServer(t).url()).Store(testContext(t), "", ""); err == nil {
		t.Error("no error")
	}
}
