package broker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// probeTimeout is how long a broker on the loopback interface may take to introduce itself.
const probeTimeout = 2 * time.Second

// An Endpoint is where a local broker can be reached, as it stands in the broker's file.
type Endpoint struct {
	// URL is the address without credentials, such as nats://127.0.0.1:40123.
	URL string `json:"url"`
	// Token is the secret that the broker asks for.
	Token string `json:"token"`
	// ServerID is the name that this run of the server introduces itself with. It tells the broker from another server
	// that got the same port later.
	ServerID string `json:"server_id"`
	// PID is the broker's process.
	PID int `json:"pid"`
	// Store is the folder with the broker's streams.
	Store string `json:"store"`
}

// URLWithToken returns the address with the token in it, in the form that other NATS tools take. It is a secret.
func (e Endpoint) URLWithToken() string {
	return strings.Replace(e.URL, "nats://", "nats://"+url.User(e.Token).String()+"@", 1)
}

// Address returns the host and port to dial.
func (e Endpoint) Address() string { return strings.TrimPrefix(e.URL, "nats://") }

// File returns the path of the file in which the broker announces itself to programs of this user.
func File(env Env) (string, error) {
	dir, err := RuntimeDir(env)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "broker.json"), nil
}

// StoreFile returns the path of the copy that the broker keeps beside its data, for programs of the same user that look
// for the announcement elsewhere: a job without a session, say, has another runtime folder.
func StoreFile(store string) string { return filepath.Join(store, "broker.json") }

// ReadFile reads an announcement. It returns fs.ErrNotExist where there is none.
func ReadFile(path string) (Endpoint, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Endpoint{}, fmt.Errorf("read the broker's file: %w", err)
	}
	var e Endpoint
	if err := json.Unmarshal(data, &e); err != nil {
		// The content is not shown: it may hold most of a token.
		return Endpoint{}, fmt.Errorf("read the broker's file %s: it is not what a broker writes", path)
	}
	return e, nil
}

// WriteFile announces an endpoint at path, readable by its user only. It replaces the file in one step.
func WriteFile(path string, e Endpoint) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write the broker's file: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".broker-*") // created with mode 0600
	if err != nil {
		return fmt.Errorf("write the broker's file: %w", err)
	}
	_, err = tmp.Write(append(data, '\n'))
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the broker's file: %w", errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}

// RemoveFile removes an announcement if it is still the one of e; a newer broker's is left alone.
func RemoveFile(path string, e Endpoint) error {
	now, err := ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && now.ServerID != e.ServerID {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// Find returns the endpoint of the broker that runs, or ErrNotRunning. It starts nothing.
func Find(ctx context.Context, env Env) (Endpoint, error) {
	path, err := File(env)
	if err != nil {
		return Endpoint{}, err
	}
	e, err := find(ctx, path)
	if err == nil || ctx.Err() != nil {
		return e, err
	}
	// A session with another runtime folder may have started it, or the announcement was cleaned away.
	if store, storeErr := StoreDir(env); storeErr == nil {
		if e, err := find(ctx, StoreFile(store)); err == nil {
			return e, nil
		}
	}
	return Endpoint{}, err
}

func find(ctx context.Context, path string) (Endpoint, error) {
	e, err := ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Endpoint{}, ErrNotRunning
	}
	if err != nil {
		return Endpoint{}, err
	}
	if err := e.Probe(ctx); err != nil {
		if ctx.Err() != nil {
			return Endpoint{}, ctx.Err()
		}
		return Endpoint{}, fmt.Errorf("%w (%w)", ErrNotRunning, err)
	}
	return e, nil
}

// Probe dials the endpoint and returns nil if the broker that wrote the announcement answers. It sends nothing, so that
// the token never reaches another program that got hold of the port.
func (e Endpoint) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", e.Address())
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetReadDeadline(deadline); err != nil {
			return err
		}
	}
	line, err := bufio.NewReaderSize(conn, 4096).ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("%s did not introduce itself: %w", e.Address(), err)
	}
	var info struct {
		ServerID string `json:"server_id"`
	}
	body, ok := strings.CutPrefix(string(line), "INFO ")
	if !ok || json.Unmarshal([]byte(body), &info) != nil || info.ServerID == "" || info.ServerID != e.ServerID {
		return fmt.Errorf("%s is another server now", e.Address())
	}
	return nil
}
