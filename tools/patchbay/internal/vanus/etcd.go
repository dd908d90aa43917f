package vanus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

const (
	etcdTimeout   = 5 * time.Second // for one request to one endpoint
	etcdMaxAnswer = 4 << 20         // etcd itself takes values of 1.5 MiB
)

// etcdStore keeps values in etcd 3.4 or newer, through the JSON gateway of its own that etcd serves on its client port: keys
// and values are in base64 there (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/).
type etcdStore struct {
	endpoints []string // URLs
	prefix    string
	client    http.Client
}

func newEtcdStore(endpoints []string, prefix string) *etcdStore {
	e := &etcdStore{prefix: prefix, client: http.Client{
		Timeout: etcdTimeout, Transport: &http.Transport{DisableKeepAlives: true}, // a save now and then
	}}
	for _, endpoint := range endpoints {
		if !strings.Contains(endpoint, "://") {
			endpoint = "http://" + endpoint
		}
		e.endpoints = append(e.endpoints, strings.TrimSuffix(endpoint, "/"))
	}
	return e
}

func (e *etcdStore) get(ctx context.Context, key string) ([]byte, error) {
	var answer struct {
		KVs []struct {
			Value []byte `json:"value"`
		} `json:"kvs"`
	}
	err := e.call(ctx, "range", map[string][]byte{"key": e.key(key)}, &answer)
	if err != nil || len(answer.KVs) == 0 {
		return nil, err
	}
	return answer.KVs[0].Value, nil
}

func (e *etcdStore) put(ctx context.Context, key string, value []byte) error {
	return e.call(ctx, "put", map[string][]byte{"key": e.key(key), "value": value}, &struct{}{})
}

// key joins prefix and key as the development kit does.
func (e *etcdStore) key(key string) []byte { return []byte(path.Join(e.prefix, key)) }

// call asks one endpoint after the other until one answers. A put that is repeated puts the same value.
func (e *etcdStore) call(ctx context.Context, method string, request map[string][]byte, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	var failed []error
	for _, endpoint := range e.endpoints {
		if err = e.ask(ctx, endpoint+"/v3/kv/"+method, body, answer); err == nil {
			return nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	texts := make([]string, len(failed))
	for i, err := range failed {
		texts[i] = err.Error()
	}
	return errors.New("etcd: " + strings.Join(texts, "; "))
}

func (e *etcdStore) ask(ctx context.Context, url string, body []byte, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, etcdMaxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		var refusal struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(data, &refusal) // what is no JSON has no message
		return fmt.Errorf("%s answered %s", req.URL.Redacted(), strings.TrimSpace(resp.Status+" "+refusal.Message))
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("%s answered something else than etcd does", req.URL.Redacted())
	}
	return nil
}
