package vanus

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/patchbay-dev/patchbay/common/config"
	"github.com/patchbay-dev/patchbay/internal/state"
)

// storeSettings is store_config.
type storeSettings struct {
	kind      string // memory, file or etcd
	file      string
	endpoints []string
	prefix    string
}

func (r *reader) storage(v config.Value) {
	fields := r.mapping(v, "store_config", "type", "store_file", "endpoints", "key_prefix")
	text := func(key string) string { s, _ := fields[key].(string); return s }
	r.store = storeSettings{kind: strings.ToLower(text("type")), file: text("store_file"), prefix: text("key_prefix")}
	list, _ := fields["endpoints"].([]any)
	for _, item := range list {
		endpoint, ok := item.(string)
		if !ok || endpoint == "" {
			r.problem(v.Line, "store_config.endpoints", "it holds something that is no address; write HOST:PORT")
			continue
		}
		r.store.endpoints = append(r.store.endpoints, endpoint)
	}
	switch r.store.kind {
	case "", "memory":
		r.store.kind = "memory"
	case "file":
		if r.store.file == "" {
			r.problem(v.Line, "store_config", "type file needs store_file, the path of the file")
		}
	case "etcd":
		if len(r.store.endpoints) == 0 {
			r.problem(v.Line, "store_config", "type etcd needs endpoints, a list of HOST:PORT")
		}
	default:
		r.problem(v.Line, "store_config.type", "%q is none of memory, file and etcd", r.store.kind)
	}
}

// keyValues is a small store of bytes by key, as the development kit has it. It may be used concurrently.
type keyValues interface {
	// get returns nil for a key that was never put.
	get(ctx context.Context, key string) ([]byte, error)
	// put returns once the value survives the end of this process, where the store is meant to.
	put(ctx context.Context, key string, value []byte) error
}

// open returns the store that the settings name. It connects to nothing.
func (s *storeSettings) open() keyValues {
	switch s.kind {
	case "file":
		return &fileStore{path: s.file}
	case "etcd":
		return newEtcdStore(s.endpoints, s.prefix)
	}
	return &memoryStore{values: map[string][]byte{}}
}

// positions keeps the state of a source under one key.
type positions struct {
	values keyValues
	key    string
}

// Load implements state.Store.
func (p *positions) Load(ctx context.Context) (*state.State, error) {
	data, err := p.values.get(ctx, p.key)
	if err != nil || data == nil {
		return nil, err
	}
	s, err := state.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", p.key, err)
	}
	return s, nil
}

// Save implements state.Store.
func (p *positions) Save(ctx context.Context, s *state.State) error {
	data, err := state.Encode(s)
	if err != nil {
		return err
	}
	return p.values.put(ctx, p.key, data)
}

// Close implements state.Store.
func (p *positions) Close() error { return nil }

// memoryStore lasts as long as the process, through the ends of the connector.
type memoryStore struct {
	mu     sync.Mutex
	values map[string][]byte
}

func (m *memoryStore) get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], nil
}

func (m *memoryStore) put(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = value
	return nil
}

var _ state.Store = (*positions)(nil)
