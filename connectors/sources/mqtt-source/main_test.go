package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/commontest"
)

func start(t *testing.T, args ...string) *commontest.SourceRun {
	t.Helper()
	return commontest.StartSource[MQTTSource](t, commontest.Config{}, args...)
}

func numbers(from, to int) (values []string) {
	for i := from; i <= to; i++ {
		values = append(values, fmt.Sprint(i))
	}
	return values
}

// next returns the payloads of the next n records.
func next(run *commontest.SourceRun, n int) (values []string) {
	for range n {
		values = append(values, string(run.Next().Value))
	}
	return values
}

func TestContract(t *testing.T) {
	for _, protocol := range []string{"5", "3.1.1"} {
		t.Run(protocol, func(t *testing.T) {
			b := newBroker(t)
			args := b.args("--subscribe", "a", "--subscribe", "opened", "--protocol", protocol)
			b.open(args...)
			made := 0
			commontest.Contract[MQTTSource](t, commontest.Promise{Args: args, NoOnce: true, More: func(n int) {
				b.publishAll("a", numbers(made+1, made+n)...)
				made += n
			}})
		})
	}
}

func TestEveryVersionAndQualityOfService(t *testing.T) {
	for _, protocol := range []string{"5", "3.1.1"} {
		for qos := range 3 {
			t.Run(fmt.Sprint(protocol, " QoS ", qos), func(t *testing.T) {
				b := newBroker(t)
				run := start(t, b.args("--subscribe", "a/+/b", "--subscribe", "$share/g/c/#", "--subscribe", "opened", "--protocol", protocol,
					"--qos", fmt.Sprint(qos))...)
				b.publish(publication{topic: "opened", retain: true, payload: "ready"})
				first := run.Next()
				mustEqual(t, "first", string(first.Value), "ready")
				b.publish(publication{topic: "a/1/b", payload: "1"}, publication{topic: "a/b"}, publication{topic: "c/x/y", payload: "\xff\x00"})
				for _, want := range []common.Record{{Subject: "a/1/b", Value: []byte("1")}, {Subject: "c/x/y", Value: []byte("\xff\x00")}} {
					rec := run.Next()
					mustEqual(t, "record", []string{rec.Subject, rec.Key, string(rec.Value), rec.Headers["mqtt-qos"]},
						[]string{want.Subject, want.Subject, string(want.Value), fmt.Sprint(min(qos, 1))})
				}
				if err := run.Stop(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestWhatComesWhileTheSourceIsAwayIsKept(t *testing.T) {
	for _, protocol := range []string{"5", "3.1.1"} {
		t.Run(protocol, func(t *testing.T) {
			b := newBroker(t)
			args := b.args("--subscribe", "a", "--subscribe", "opened", "--qos", "2", "--protocol", protocol)
			b.open(args...)
			b.publishAll("a", numbers(1, 50)...)
			first := start(t, args...)
			mustEqual(t, "first", next(first, 50), numbers(1, 50))
			if err := first.Stop(); err != nil {
				t.Fatal(err)
			}
			b.stop()
			b.start()
			b.publishAll("a", numbers(51, 60)...)
			second := start(t, args...)
			mustEqual(t, "second", next(second, 10), numbers(51, 60))
		})
	}
}

func TestASessionMayEndWithTheConnection(t *testing.T) {
	for _, protocol := range []string{"5", "3.1.1"} {
		t.Run(protocol, func(t *testing.T) {
			b := newBroker(t)
			args := b.args("--subscribe", "a", "--subscribe", "opened", "--protocol", protocol, "--session-expiry", "0s")
			b.open(args...)
			b.publishAll("a", "lost")
			run := start(t, args...)
			b.publish(publication{topic: "opened", payload: "now", retain: true})
			mustEqual(t, "first", string(run.Next().Value), "now")
		})
	}
}

func TestAServerThatStartsAgainIsWaitedFor(t *testing.T) {
	b := newBroker(t)
	args := b.args("--subscribe", "a", "--subscribe", "opened")
	b.open(args...)
	run := start(t, args...)
	b.publishAll("a", "1")
	mustEqual(t, "first", next(run, 1), []string{"1"})
	b.stop()
	b.start()
	b.publishAll("a", "2")
	for value := ""; value != "2"; value = string(run.Next().Value) { // 1 comes again if the server did not take note of its acknowledgement
	}
}

func TestRetainedMessages(t *testing.T) {
	tests := []struct {
		protocol, retained string
		want               []string // of two connections
	}{
		{"5", "new", []string{"1 kept"}},
		{"5", "always", []string{"1 kept", "2 kept"}},
		{"5", "none", nil},
		{"3.1.1", "new", []string{"1 kept", "2 kept"}},
		{"3.1.1", "none", nil},
	}
	for _, tt := range tests {
		t.Run(tt.protocol+" "+tt.retained, func(t *testing.T) {
			b := newBroker(t)
			b.publish(publication{topic: "a", payload: "kept", retain: true})
			var got []string
			for _, round := range []string{"1", "2"} {
				// The second subscription is a new one each time: what it brings comes after all that the first one does.
				run := start(t, b.args("--subscribe", "a", "--subscribe", round, "--retained", tt.retained, "--protocol", tt.protocol)...)
				commontest.Await(t, "the end of a round", func() bool {
					b.publishAll(round, "end")
					return slices.ContainsFunc(run.Records(), func(rec common.Record) bool { return rec.Subject == round })
				})
				if err := run.Stop(); err != nil {
					t.Fatal(err)
				}
				for _, rec := range run.Records() {
					if retained := rec.Headers["mqtt-retained"] == "true"; retained != (rec.Subject == "a") {
						t.Errorf("%q is retained: %v", rec.Value, retained)
					}
					if rec.Subject == "a" {
						got = append(got, round+" "+string(rec.Value))
					}
				}
			}
			mustEqual(t, "payloads", got, tt.want)
		})
	}
}

func TestHeadersAndKeys(t *testing.T) {
	b := newBroker(t)
	b.open(b.args("--subscribe", "a", "--subscribe", "opened")...)
	properties := append(appendString([]byte{propContentType}, "text/x"), propResponseTopic)
	properties = append(appendString(properties, "answers"), propCorrelationData)
	properties = append(appendString(properties, "\xff"), propUser)
	properties = append(appendString(appendString(properties, "colour"), "red"), propUser)
	properties = appendString(appendString(properties, "mqtt-qos"), "9")
	b.publish(publication{topic: "a", payload: "x", properties: properties}, publication{topic: "a", payload: "y"})
	run := start(t, b.args("--subscribe", "a", "--key", "none")...)
	rec := run.Next()
	mustEqual(t, "key", rec.Key, "")
	mustEqual(t, "headers", rec.Headers, map[string]string{
		"content-type": "text/x", "mqtt-response-topic": "answers", "mqtt-correlation-data": "/w==", "colour": "red", "mqtt-qos": "1",
	})
	mustEqual(t, "headers", run.Next().Headers, map[string]string{"mqtt-qos": "1"})
}

func TestTheSourceWaitsForDeliveryWithoutLosingTheConnection(t *testing.T) {
	ping := make(chan struct{}, 1)
	args := serve(t, func(conn net.Conn, in *bufio.Reader) {
		fmt.Fprint(conn, accepted, subscribed)
		for {
			p, err := readPacket(in, 1000)
			if err != nil {
				return
			}
			if p.kind == typePingreq {
				select {
				case ping <- struct{}{}:
				default:
				}
				fmt.Fprint(conn, "\xd0\x00", "\x30\x04\x00\x01a\x00") // and a message, for proof that it goes on
			}
		}
	})
	run := start(t, append(args, "--keep-alive", "1s")...)
	run.Next()
	<-ping
	if err := run.Stop(); err != nil {
		t.Error(err)
	}
}

func TestSilenceEndsTheConnection(t *testing.T) {
	again := make(chan struct{})
	args := serve(t, says(accepted, subscribed), func(net.Conn, *bufio.Reader) { close(again) }, says())
	start(t, append(args, "--keep-alive", "1s")...)
	select {
	case <-again:
	case <-time.After(commontest.Patience):
		t.Error("there was no second connection")
	}
}

func TestWhatEndsTheSource(t *testing.T) {
	tests := []struct {
		name string
		says []string
		args string
		want string
	}{
		{"credentials", []string{"\x20\x03\x00\x86\x00"}, "", "the server refuses the connection: bad user name or password"},
		{"why", []string{"\x20\x07\x00\x8a\x04\x1f\x00\x01x"}, "", `the client is banned: "x"`},
		{"a server of MQTT 3.1.1", []string{"\x20\x02\x00\x01"}, "", "it does not support this --protocol"},
		{"credentials in MQTT 3.1.1", []string{"\x20\x02\x00\x05"}, "--protocol 3.1.1", "refuses the connection: not authorized"},
		{"a subscription", []string{accepted, "\x90\x04\x00\x01\x00\x87"}, "", `the server refuses the subscription to "a": not authorized`},
		{"a subscription in MQTT 3.1.1", []string{"\x20\x02\x00\x00", "\x90\x03\x00\x01\x80"}, "--protocol 3.1.1", `the subscription to "a": it does not allow it`},
		{"another client", []string{accepted, subscribed, "\xe0\x02\x8e\x00"}, "", "another client has taken over the session"},
		{"a large message", []string{accepted, subscribed, "\x30\x06\x00\x01a\x00xx"}, "--max-message 1B", `topic "a": a message of 2 bytes is larger than --max-message`},
		{"a huge message", []string{accepted, subscribed, "\x30\xff\xff\xff\x7f"}, "", "a message of 268435455 bytes is larger than --max-message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := start(t, append(serve(t, says(tt.says...)), strings.Fields(tt.args)...)...).Wait()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, not %s", err, tt.want)
			}
		})
	}
	t.Run("once", func(t *testing.T) {
		err := commontest.StartSource[MQTTSource](t, commontest.Config{Once: true}, "--client-id", "x", "--subscribe", "a").Wait()
		if err == nil || err.Error() != "--once: has no end on MQTT topics; use --max-records" {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		err := start(t, "--server", "mqtts://127.0.0.1:1", "--client-id", "x", "--subscribe", "a", "--ca-file", "/none.pem").Wait()
		if err == nil || !strings.Contains(err.Error(), "--ca-file: open /none.pem") {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	tests := []struct {
		name string
		says []string
	}{
		{"unavailable", []string{"\x20\x03\x00\x88\x00"}},
		{"no answer", nil},
		{"no MQTT", []string{"HTTP/1.1 400 Bad Request\r\n\r\n"}},
		{"another packet", []string{"\xd0\x00"}},
		{"a quota", []string{accepted, "\x90\x04\x00\x01\x00\x97"}},
		{"no answer to the subscription", []string{accepted}},
		{"too few answers to it", []string{accepted, "\x90\x03\x00\x01\x00"}},
		{"a shutdown", []string{accepted, subscribed, "\xe0\x01\x8b"}},
		{"a farewell without a word", []string{accepted, subscribed, "\xe0\x00"}},
		{"a broken message", []string{accepted, subscribed, "\x30\x02\x00\x05"}},
		{"a message without topic", []string{accepted, subscribed, "\x30\x03\x00\x00\x00"}},
		{"a QoS of 3", []string{accepted, subscribed, "\x36\x06\x00\x01a\x00\x01\x00"}},
		{"an unknown property", []string{accepted, subscribed, "\x30\x05\x00\x01a\x01\x7f"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := serve(t, says(tt.says...), says(accepted, subscribed, "\x30\x05\x00\x01a\x00x"))
			mustEqual(t, "payload", string(start(t, append(args, "--timeout", "200ms")...).Next().Value), "x")
		})
	}
}

func TestCheck(t *testing.T) {
	b := newBroker(t)
	args := b.args("--subscribe", "a", "--subscribe", "opened")
	b.open(args...)
	b.publishAll("a", "1")
	for _, protocol := range []string{"5", "3.1.1"} {
		if err := commontest.Options[MQTTSource](t, append(args, "--protocol", protocol)...).Check(context.Background()); err != nil {
			t.Error(err)
		}
	}
	mustEqual(t, "what a check leaves", next(start(t, args...), 1), []string{"1"})
	args = serve(t, says("\x20\x03\x00\x87\x00"))
	if err := commontest.Options[MQTTSource](t, args...).Check(context.Background()); err == nil || !strings.Contains(err.Error(), "not authorized") {
		t.Errorf("the error is %v", err)
	}
}

func TestValidate(t *testing.T) {
	base := []string{"--client-id", "x"}
	tests := []struct{ name, args, want string }{
		{"all is well", "--subscribe $share/g/a/+/# --subscribe # --subscribe +/+ --subscribe /", ""},
		{"no filter", "", "subscribe"},
		{"# in the middle", "--subscribe a/#/b", "# stands alone, as the last level"},
		{"# with others", "--subscribe a#", "# stands alone, as the last level"},
		{"+ with others", "--subscribe a/b+", "+ stands alone in its level"},
		{"a share without filter", "--subscribe $share/g", "write a shared subscription as $share/GROUP/FILTER"},
		{"a share without group", "--subscribe $share//a", "write a shared subscription as $share/GROUP/FILTER"},
		{"a share by a wildcard", "--subscribe $share/+/a", "write a shared subscription as $share/GROUP/FILTER"},
		{"an address", "--subscribe a --server example.com", "server"},
		{"IPv6", "--subscribe a --server mqtts://[::1]:8883", ""},
		{"half a second", "--subscribe a --keep-alive 500ms", "must be 0s, or 1s to 65535s"},
		{"a day", "--subscribe a --keep-alive 24h", "must be 0s, or 1s to 65535s"},
		{"a password for nobody", "--subscribe a --password x", "add --username"},
		{"an authority without TLS", "--subscribe a --ca-file x", "write --server mqtts://"},
		{"nothing is small enough", "--subscribe a --max-message 0", "lets no payload through"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := commontest.Parse[MQTTSource](t, append(base, strings.Fields(tt.args)...)...)
			switch {
			case tt.want == "" && len(errs) > 0, tt.want != "" && (len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.want)):
				t.Errorf("errors are %v, want %q", errs, tt.want)
			}
		})
	}
}
