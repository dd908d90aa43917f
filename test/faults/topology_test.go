package faults_test

import (
	"strconv"
)

// A topology is what is between a source and a sink.
type topology interface {
	source() []string // flags that lead a source there
	sink() []string   // flags that lead a sink there
}

// Names of topologies.
const (
	onNATS = "NATS"
	onHTTP = "CloudEvents HTTP"
	onLink = "direct pipeline"
)

func topologies() []string { return []string{onNATS, onHTTP, onLink} }

// build makes a topology. There is none in a pipeline, which starts its source and sink itself.
func build(r *rig, name string) topology {
	switch name {
	case onHTTP:
		return newHTTP(r)
	case onLink:
		return nil
	}
	b := startBroker(r.T)
	return &onBroker{broker: b, near: startProxy(r.T, b.address()), far: startProxy(r.T, b.address())}
}

// topic is the topic of every test.
const topic = "numbers"

// onBroker is a topic on a NATS server, which the source and the sink reach through a proxy each.
type onBroker struct {
	*broker
	near, far *proxy
}

func (b *onBroker) source() []string {
	return []string{"--topic", topic, "--broker", "nats://" + b.near.address()}
}

func (b *onBroker) sink() []string {
	return []string{"--topic", topic, "--broker", "nats://" + b.far.address()}
}

// onHTTPTopic is a source that posts to a sink through a proxy.
type onHTTPTopic struct {
	port int
	near *proxy
}

func newHTTP(r *rig) *onHTTPTopic {
	port := freePort(r.T)
	return &onHTTPTopic{port, startProxy(r.T, "127.0.0.1:"+strconv.Itoa(port))}
}

func (h *onHTTPTopic) source() []string {
	return []string{"--topic", topic, "--broker", "http://" + h.near.address() + "/"}
}

func (h *onHTTPTopic) sink() []string {
	// The source waits for the answer to each record, so that no batch gets any larger by waiting.
	return []string{"--topic", topic, "--broker", "http+listen://127.0.0.1:" + strconv.Itoa(h.port) + "/", "--batch-wait", "0s"}
}

// proxy is the one that the source goes through.
func (r *rig) proxy() *proxy {
	if b, ok := r.between.(*onBroker); ok {
		return b.near
	}
	return r.between.(*onHTTPTopic).near
}

// broker is the server of the topic.
func (r *rig) broker() *onBroker { return r.between.(*onBroker) }

var (
	_ topology = (*onBroker)(nil)
	_ topology = (*onHTTPTopic)(nil)
)
