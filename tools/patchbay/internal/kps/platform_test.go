package kps

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/patchbay-dev/patchbay/tools/patchbay/internal/hosttest"
	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

const connectorID = "connector-7"

// A platform is the other side of an adapter: a NATS server, and the client of its service.
type platform struct {
	t      *testing.T
	dir    string
	broker *server.Server
	port   int
	nc     *natsgo.Conn

	adapter *exec.Cmd
	exited  chan struct{}
	logs    *buffer
	conn    *grpc.ClientConn
	client  pb.ConnectorServiceClient
}

// newPlatform starts a NATS server, and an adapter for the connectors that words name.
func newPlatform(t *testing.T, adjust func(*Options), words ...string) *platform {
	t.Helper()
	p := &platform{t: t, dir: t.TempDir()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{sourceName, sinkName, adapterName} {
		if err := os.Symlink(self, filepath.Join(p.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	p.startBroker()
	t.Cleanup(p.stopBroker)
	if p.nc, err = natsgo.Connect(p.url(), natsgo.MaxReconnects(-1), natsgo.ReconnectWait(20*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.nc.Close)
	p.start(adjust, words...)
	t.Cleanup(func() { p.stop(syscall.SIGTERM) })
	return p
}

func (p *platform) startBroker() {
	p.t.Helper()
	port := p.port
	if port == 0 {
		port = -1
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoSigs: true, NoLog: true})
	if err != nil {
		p.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		p.t.Fatal("the NATS server does not get ready")
	}
	p.broker, p.port = s, s.Addr().(*net.TCPAddr).Port
}

func (p *platform) stopBroker() {
	p.broker.Shutdown()
	p.broker.WaitForShutdown()
}

func (p *platform) url() string { return "nats://127.0.0.1:" + strconv.Itoa(p.port) }

// start starts an adapter and connects to it.
func (p *platform) start(adjust func(*Options), words ...string) {
	p.t.Helper()
	o := Options{
		Words: words, Dirs: []string{p.dir}, State: filepath.Join(p.dir, "state"), ConnectorID: connectorID,
		Broker: p.url(), NATSName: "test", Listen: "127.0.0.1:0", ShutdownTimeout: 10 * time.Second,
	}
	if adjust != nil {
		adjust(&o)
	}
	text, err := json.Marshal(o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.adapter = exec.Command(filepath.Join(p.dir, adapterName), string(text))
	p.adapter.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", "TMPDIR="+p.dir)
	p.logs = &buffer{}
	stderr, err := p.adapter.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.adapter.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.exited = make(chan struct{})
	address := make(chan string, 1)
	go func(cmd *exec.Cmd, exited chan struct{}, logs *buffer) {
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			var line struct{ Address string }
			if json.Unmarshal(scan.Bytes(), &line) == nil && line.Address != "" {
				address <- line.Address
			}
			logs.add(scan.Text())
		}
		_ = cmd.Wait()
		close(exited)
	}(p.adapter, p.exited, p.logs)
	select {
	case a := <-address:
		if p.conn, err = grpc.NewClient(a, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
			p.t.Fatal(err)
		}
		p.client = pb.NewConnectorServiceClient(p.conn)
	case <-p.exited:
		p.t.Fatalf("the adapter did not start: %s", p.logs)
	}
}

// stop ends the adapter, unless it has ended, and shows its log if the test has failed.
func (p *platform) stop(signal syscall.Signal) {
	p.t.Helper()
	select {
	case <-p.exited:
		return
	default:
	}
	_ = p.conn.Close()
	_ = p.adapter.Process.Signal(signal)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		_ = p.adapter.Process.Kill()
		p.t.Error("the adapter did not end")
	}
	if p.t.Failed() {
		p.t.Log(p.logs)
	}
}

// set calls SetPayload and returns the status.
func (p *platform) set(payloads ...*pb.Payload) *pb.ResponseStatus {
	p.t.Helper()
	resp, err := p.client.SetPayload(p.t.Context(), &pb.SetPayloadRequest{ConnectorId: connectorID, Payloads: payloads})
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.GetStatus()
}

// mustSet is set where the answer has to be OK.
func (p *platform) mustSet(payloads ...*pb.Payload) {
	p.t.Helper()
	if status := p.set(payloads...); status.GetCode() != pb.ResponseCode_RESPONSE_CODE_OK {
		p.t.Fatalf("SetPayload answers %v", status)
	}
}

// get calls GetPayload.
func (p *platform) get(kind pb.PayloadKind) []*pb.Payload {
	p.t.Helper()
	resp, err := p.client.GetPayload(p.t.Context(), &pb.GetPayloadRequest{ConnectorId: connectorID, Kind: kind})
	if err != nil || resp.GetStatus().GetCode() != pb.ResponseCode_RESPONSE_CODE_OK {
		p.t.Fatal(resp, err)
	}
	return resp.GetPayloads()
}

// status returns the newest status of a stream: its state and error message.
func (p *platform) status(stream string) (state pb.State, text string) {
	p.t.Helper()
	for _, e := range p.events() {
		if s := e.GetStatus(); s.GetStreamId() == stream {
			state, text = s.GetState(), s.GetMetadata().GetFields()["ErrorMessage"].GetStringValue()
		}
	}
	return state, text
}

// alert returns the alert of an id and stream, if there is one.
func (p *platform) alert(stream, id string) *pb.Alert {
	p.t.Helper()
	for _, e := range p.events() {
		if a := e.GetAlert(); a.GetStreamId() == stream && a.GetId() == id {
			return a
		}
	}
	return nil
}

func (p *platform) events() []*pb.EventPayload {
	p.t.Helper()
	resp, err := p.client.GetEvents(p.t.Context(), &pb.GetEventsRequest{ConnectorId: connectorID})
	if err != nil || resp.GetStatus().GetCode() != pb.ResponseCode_RESPONSE_CODE_OK {
		p.t.Fatal(resp, err)
	}
	return resp.GetEventPayloads()
}

// awaitState blocks until the newest status of a stream is the one wanted.
func (p *platform) awaitState(stream string, want pb.State) {
	p.t.Helper()
	await(p.t, stream+" to be "+want.String(), func() bool { got, _ := p.status(stream); return got == want })
}

// subscribe collects the payloads of the messages on a subject.
func (p *platform) subscribe(subject string) *buffer {
	p.t.Helper()
	b := &buffer{}
	_, err := p.nc.Subscribe(subject, func(m *natsgo.Msg) {
		var tm pb.TransportMessage
		if err := proto.Unmarshal(m.Data, &tm); err != nil || tm.GetTimestamp() == 0 || len(m.Header) > 0 {
			p.t.Errorf("a message on %s: %v, %v", subject, m.Header, err)
		}
		for _, payload := range tm.GetPayload() {
			b.add(string(payload))
		}
	})
	if err == nil {
		err = p.nc.Flush()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// publish sends a TransportMessage.
func (p *platform) publish(subject string, payloads ...string) {
	p.t.Helper()
	m := &pb.TransportMessage{Timestamp: time.Now().UnixNano()}
	for _, one := range payloads {
		m.Payload = append(m.Payload, []byte(one))
	}
	body, err := proto.Marshal(m)
	if err == nil {
		err = p.nc.Publish(subject, body)
	}
	if err != nil {
		p.t.Error(err)
	}
}

// children returns the connectors that the adapter runs.
func (p *platform) children() []int { return hosttest.Children(p.adapter.Process.Pid) }
