package broker

import (
	"context"
	"errors"
	"path/filepath"
)

// Locate returns the endpoint of the user's broker and starts one where none runs. It blocks until the broker answers,
// the start has failed or ctx ends. Any number of processes may call it at once: one of them starts the broker. If there
// is no broker and none can be started, the error is an *UnavailableError.
func Locate(ctx context.Context, env Env) (Endpoint, error) {
	path, err := File(env)
	if err != nil {
		return Endpoint{}, &UnavailableError{Err: err}
	}
	if e, err := Find(ctx, env); err == nil {
		return e, nil
	}
	lock, err := WaitLock(ctx, filepath.Join(filepath.Dir(path), "start.lock"))
	if err != nil {
		return Endpoint{}, &UnavailableError{Err: err}
	}
	e, err := findOrStart(ctx, env)
	if err = errors.Join(err, lock.Unlock()); err != nil {
		return Endpoint{}, &UnavailableError{Err: err}
	}
	return e, nil
}

// findOrStart is called with the start lock held. Another process may have started the broker while it was awaited.
func findOrStart(ctx context.Context, env Env) (Endpoint, error) {
	if e, err := Find(ctx, env); err == nil {
		return e, nil
	}
	started, err := start(env)
	if err != nil {
		return Endpoint{}, err
	}
	var e Endpoint
	err = poll(ctx, func() (bool, error) {
		// Looked at before the file: a child that finds another broker at work ends, and then that one is found.
		ended, cause := started.ended()
		found, err := Find(ctx, env)
		if err == nil {
			e = found
			return true, nil
		}
		if ended {
			return false, cause
		}
		return false, ctx.Err()
	})
	return e, err
}
