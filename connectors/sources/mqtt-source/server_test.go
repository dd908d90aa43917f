package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A broker is a Mosquitto of one test.
type broker struct {
	t      *testing.T
	dir    string
	port   string
	server *exec.Cmd
}

// newBroker starts Mosquitto. It skips the test where there is none.
func newBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{t: t, dir: t.TempDir(), port: freePort(t)}
	config := fmt.Sprintf("user root\npersistence true\npersistence_location %s/\nlistener %s 127.0.0.1\nallow_anonymous true\n", b.dir, b.port)
	if err := os.WriteFile(filepath.Join(b.dir, "conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start() {
	b.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/mosquitto") // not on the path of every user
	}
	if err != nil {
		b.t.Skip("SKIPPED: mosquitto is not installed; test/install.sh mosquitto does that")
	}
	b.server = exec.Command(path, "-c", filepath.Join(b.dir, "conf"))
	var log bytes.Buffer
	b.server.Stdout, b.server.Stderr = &log, &log
	if err := b.server.Start(); err != nil {
		b.t.Fatal(err)
	}
	commontest.Await(b.t, "the server", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+b.port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// stop ends the server, which keeps the sessions in a file.
func (b *broker) stop() {
	_ = b.server.Process.Signal(syscall.SIGTERM)
	_ = b.server.Wait()
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// args are the options for the server.
func (b *broker) args(more ...string) []string {
	return append([]string{"--server", "mqtt://127.0.0.1:" + b.port, "--client-id", "test"}, more...)
}

// A publication is a message to publish. Its properties are encoded already.
type publication struct {
	topic, payload string
	retain         bool
	properties     []byte
}

// publish sends messages with QoS 1 and waits until the server has them.
func (b *broker) publish(messages ...publication) {
	b.t.Helper()
	own := commontest.Options[MQTTSource](b.t, b.args("--subscribe", "x")...)
	c, err := own.connect(context.Background(), identity{clean: true})
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.leave()
	var packets []byte
	for i, m := range messages {
		flags := byte(2)
		if m.retain {
			flags |= 1
		}
		body := binary.BigEndian.AppendUint16(appendString(nil, m.topic), uint16(i+1))
		body = append(appendVarint(body, len(m.properties)), m.properties...)
		packets = appendPacket(packets, typePublish, flags, append(body, m.payload...))
	}
	if _, err := c.Write(packets); err != nil {
		b.t.Fatal(err)
	}
	for range messages {
		if p, err := readPacket(c.in, 1000); err != nil || p.kind != typePuback {
			b.t.Fatalf("packet %v, error %v", p, err)
		}
	}
}

// publishAll publishes payloads to one topic.
func (b *broker) publishAll(topic string, payloads ...string) {
	b.t.Helper()
	var messages []publication
	for _, payload := range payloads {
		messages = append(messages, publication{topic: topic, payload: payload})
	}
	b.publish(messages...)
}

// open makes the session of args, so that the server keeps what is published from now on.
func (b *broker) open(args ...string) {
	b.t.Helper()
	run := commontest.StartSource[MQTTSource](b.t, commontest.Config{}, args...)
	b.publish(publication{topic: "opened", payload: "now", retain: true})
	for string(run.Next().Value) != "now" {
	}
	b.publish(publication{topic: "opened", retain: true}) // takes the retained message back
	for len(run.Next().Value) > 0 {
	}
	if err := run.Stop(); err != nil {
		b.t.Fatal(err)
	}
}

// A script is a server that does what a test says, connection after connection; the last step serves all further ones.
type script struct {
	net.Listener
	done chan struct{}
}

// A step serves one connection, of which the CONNECT has been read.
type step func(conn net.Conn, in *bufio.Reader)

func serve(t *testing.T, steps ...step) (args []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{l, make(chan struct{})}
	go func() {
		defer close(s.done)
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(conn)
			if p, err := readPacket(in, 1000); err == nil && p.kind == typeConnect {
				steps[min(n, len(steps)-1)](conn, in)
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-s.done })
	return []string{"--server", "mqtt://" + l.Addr().String(), "--client-id", "test", "--subscribe", "a"}
}

// says sends packets, and then reads until the client has gone.
func says(packets ...string) step {
	return func(conn net.Conn, in *bufio.Reader) {
		if _, err := conn.Write([]byte(strings.Join(packets, ""))); err == nil {
			_, _ = in.WriteTo(discard{})
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// Packets of a server that speaks MQTT 5.
const (
	accepted   = "\x20\x03\x00\x00\x00"
	subscribed = "\x90\x04\x00\x01\x00\x01"
)

func mustEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
