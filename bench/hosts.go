package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

const (
	hostsRounds  = 3
	hostsRecords = 200_000
	// hostsEvents are fewer, because each is a request of its own.
	hostsEvents = 20_000
	// adapterSubject is what the subjects that adapters write to begin with.
	adapterSubject = "adapter-"
)

// A hosted is an adapter to a platform, beside the connector alone.
type hosted struct {
	name    string
	records int
	adapter func(round string) task // runs memory-source by the adapter
	alone   func(round string) task // runs it alone
	check   func(t task) error      // says whether what a task was to bring has arrived; nil where its status says so
	note    string
}

// measureHosts measures what an adapter costs: records of 256 bytes a second, CPU time a record of the adapter and its
// connector, and the memory of both, beside the connector alone that writes to the same kind of target. The broker and the
// target of events are ours, and not in the figures.
func measureHosts(ctx context.Context, b *bench) (figures []Figure, err error) {
	home, err := os.MkdirTemp(b.scratch, "hosts-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	env, url, stop, err := b.startBroker(ctx, home)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	target, err := startTarget()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, target.server.Close()) }()
	env = append(env, "PATCHBAY_BIN_DIR="+filepath.Dir(b.program("memory-source")))
	h := hosts{bench: b, home: home, url: url, env: slices.Clip(env)}
	// patchbay connect makes no stream, so there must be one.
	stream := task{argv: h.source(1, "--broker", url, "--topic", adapterSubject+"stream"), env: h.env}
	if _, err := stream.run(ctx); err != nil {
		return nil, err
	}
	for _, adapter := range []hosted{h.connect("core"), h.connect("stream"), h.kps(), h.plugin(), h.vanus(target)} {
		figs, err := adapter.measure(ctx)
		if err != nil {
			figs = []Figure{{Name: adapter.name, Error: err.Error()}}
		}
		figures = append(figures, figs...)
	}
	return figures, nil
}

// measure runs the adapter and the connector alone in turn, and compares.
func (h hosted) measure(ctx context.Context) ([]Figure, error) {
	var costs [2][]cost
	for round := range hostsRounds {
		for i, of := range []func(string) task{h.adapter, h.alone} {
			t := of(strconv.Itoa(round))
			c, err := t.run(ctx)
			if err == nil && h.check != nil {
				err = h.check(t)
			}
			if err != nil {
				return nil, err
			}
			costs[i] = append(costs[i], c)
		}
	}
	ours, alone := medianCost(costs[0]), medianCost(costs[1])
	figure := func(what string, unit Unit, value func(cost) float64, note string) Figure {
		return Figure{Name: h.name + what, Value: value(ours), Unit: unit, Note: "memory-source alone: " + unit.format(value(alone)) + note}
	}
	return []Figure{
		figure("", Rate, func(c cost) float64 { return float64(h.records) / c.wall.Seconds() }, fmt.Sprintf("; %d records of %s", h.records, pipeSize)),
		figure(", CPU a record", Seconds, func(c cost) float64 { return c.cpu.Seconds() / float64(h.records) }, h.note),
		figure(", memory", Bytes, func(c cost) float64 { return float64(c.all) }, "; peaks of all processes at one time"),
	}, nil
}

// hosts is what the adapters have in common here.
type hosts struct {
	*bench
	home, url string
	env       []string
}

// plain is the broker's address for plain subjects.
func (h hosts) plain() string { return strings.Replace(h.url, "nats://", "nats+core://", 1) }

// source is the command line of memory-source alone.
func (h hosts) source(records int, flags ...string) [][]string {
	return [][]string{append([]string{h.program("memory-source"), "--count", strconv.Itoa(records), "--size", pipeSize}, flags...)}
}

// inJSON is a value in JSON, which is YAML too.
func inJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // of values that can be written
	}
	return string(text)
}

// memoryOptions are those of memory-source.
func memoryOptions(records int) map[string]any {
	return map[string]any{"count": records, "size": pipeSize}
}

// connect writes to a subject of plain NATS, or to one that a stream holds.
func (h hosts) connect(place string) hosted {
	kind, flags := "a stream", []string{"--broker", h.url}
	if place == "core" { // where positions are not kept
		kind, flags = "a plain subject", []string{"--broker", h.plain(), "--state", "none"}
	}
	alone := func(round string) task {
		return task{argv: h.source(hostsRecords, append(flags, "--topic", "alone-"+place+round)...), env: h.env}
	}
	return hosted{
		name: "patchbay connect, to " + kind, records: hostsRecords, alone: alone,
		adapter: func(round string) task {
			steps := map[string]any{
				"source":   map[string]any{"type": "memory", "config": memoryOptions(hostsRecords)},
				"producer": map[string]any{place: map[string]any{"subject": adapterSubject + place}},
			}
			argv := [][]string{{h.program("patchbay"), "connect", base64.StdEncoding.EncodeToString([]byte(inJSON(steps)))}}
			env := append(h.env, "NEX_WORKLOAD_NATS_SERVERS="+h.url, "NEX_WORKLOAD_GROUP="+place+round, "CONNECT_LOG_LEVEL=error")
			return task{argv: argv, env: env}
		},
	}
}

// kps writes to a channel of plain NATS. The platform's program starts it, waits until the stream has ended, and stops it.
func (h hosts) kps() hosted {
	return hosted{
		name: "patchbay kps, to a plain subject", records: hostsRecords,
		alone: func(round string) task {
			state := "file:" + filepath.Join(h.home, "alone-kps"+round)
			return task{argv: h.source(hostsRecords, "--broker", h.plain(), "--topic", "alone-kps", "--state", state), env: h.env}
		},
		adapter: func(round string) task {
			stream := map[string]any{
				"id": "s" + round, "direction": "STREAM_DIRECTION_INGRESS", "transportChannel": adapterSubject + "kps", "metadata": memoryOptions(hostsRecords),
			}
			request := map[string]any{"connectorId": "bench", "payloads": []any{map[string]any{"stream": stream}}}
			file := filepath.Join(h.home, "kps-"+round+".json")
			_ = os.WriteFile(file, []byte(inJSON(request)), 0o600) // an error shows when it is read
			argv := [][]string{{
				h.program("platform"), "run", h.program("patchbay"), "kps", "--listen", "127.0.0.1:0", "--connector-instance-id", "bench", "--", "memory-source",
			}}
			return task{argv: argv, env: append(h.env, "NATS_BROKER="+h.url, "PATCHBAY_LOG_LEVEL=info"), stdin: file, starter: true}
		},
		note: "; with the program that plays the platform",
	}
}

// plugin hands pages to a c1 host, which drops them. Alone, the connector writes lines to a file.
func (h hosts) plugin() hosted {
	out := filepath.Join(h.home, "out")
	return hosted{
		name: "patchbay plugin, to a host", records: hostsRecords,
		alone: func(string) task {
			return task{argv: h.source(hostsRecords, "--topic", "-"), env: h.env, out: out}
		},
		adapter: func(string) task {
			argv := [][]string{{
				h.program("c1host"), "-quiet", "-options", inJSON(memoryOptions(hostsRecords)), "--", h.program("patchbay"), "plugin", "--", "memory-source",
			}}
			return task{argv: argv, env: h.env, out: out, starter: true}
		},
		check: func(t task) error {
			if t.starter {
				text, err := os.ReadFile(out)
				if want := fmt.Sprintf(`"upserts":%d,`, hostsRecords); err != nil || !strings.Contains(string(text), want) {
					return errors.Join(err, fmt.Errorf("the host had not %d objects: %s", hostsRecords, lastLine(string(text))))
				}
				return nil
			}
			if n, err := countLines(out); err != nil || n != hostsRecords {
				return errors.Join(err, fmt.Errorf("%d records of %d arrived", n, hostsRecords))
			}
			return nil
		},
		note: " to a file; with the host",
	}
}

// vanus posts events to a target, each in the structured mode.
func (h hosts) vanus(t *target) hosted {
	return hosted{
		name: "patchbay vanus, to a web server", records: hostsEvents,
		alone: func(round string) task {
			flags := []string{"--broker", t.url, "--topic", "alone", "--name", "alone" + round, "--cloudevents-mode", "structured"}
			return task{argv: h.source(hostsEvents, flags...), env: h.env}
		},
		adapter: func(round string) task {
			file := filepath.Join(h.home, "vanus-"+round+".json")
			config := memoryOptions(hostsEvents)
			config["target"] = t.url
			_ = os.WriteFile(file, []byte(inJSON(config)), 0o600) // an error shows when it is read
			argv := [][]string{{h.program("patchbay"), "vanus", "--", "memory-source"}}
			return task{argv: argv, env: append(h.env, "CONNECTOR_CONFIG="+file, "LOG_LEVEL=error")}
		},
		check: func(task) error {
			if n := t.taken.Swap(0); n != hostsEvents {
				return fmt.Errorf("%d events of %d arrived", n, hostsEvents)
			}
			return nil
		},
	}
}

// A target is a web server on loopback that takes every request.
type target struct {
	server *http.Server
	url    string
	taken  atomic.Int64
}

func startTarget() (*target, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &target{url: "http://" + listener.Addr().String() + "/"}
	t.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			t.taken.Add(1)
			w.WriteHeader(http.StatusOK)
		}
	})}
	go t.server.Serve(listener) //nolint:errcheck // it ends when it is closed
	return t, nil
}
