package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"
)

func TestConnectSaysWhatItShall(t *testing.T) {
	tests := []struct {
		name string
		p    connect
		want string
	}{
		{
			"MQTT 3.1.1",
			connect{version: v311, session: identity{id: "id"}, keepAlive: 30 * time.Second},
			"\x10\x0e\x00\x04MQTT\x04\x00\x00\x1e\x00\x02id",
		},
		{
			"with a login, and for once",
			connect{version: v311, session: identity{clean: true}, username: "u", password: "p"},
			"\x10\x12\x00\x04MQTT\x04\xc2\x00\x00\x00\x00\x00\x01u\x00\x01p",
		},
		{
			"MQTT 5",
			connect{version: v5, session: identity{id: "id", expiry: 1500 * time.Millisecond}, keepAlive: maxKeepAlive, receiveMaximum: 258},
			"\x10\x17\x00\x04MQTT\x05\x00\xff\xff\x08\x11\x00\x00\x00\x02\x21\x01\x02\x00\x02id",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mustEqual(t, "packet", fmt.Sprintf("%q", tt.p.append(nil)), fmt.Sprintf("%q", tt.want))
		})
	}
	mustEqual(t, "for ever", expirySeconds(math.MaxInt64), uint32(math.MaxUint32))
}

func TestSubscribe(t *testing.T) {
	mustEqual(t, "MQTT 3.1.1", string(appendSubscribe(nil, v311, []string{"a", "b"}, 2, 1)), "\x82\x0a\x00\x01\x00\x01a\x02\x00\x01b\x02")
	mustEqual(t, "MQTT 5", string(appendSubscribe(nil, v5, []string{"a"}, 1, 2)), "\x82\x07\x00\x01\x00\x00\x01a\x21")
}

func TestVarint(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455} {
		got, err := readVarint(bytes.NewReader(appendVarint(nil, n)))
		if err != nil || got != n {
			t.Errorf("%d became %d, error %v", n, got, err)
		}
	}
	if _, err := readVarint(bytes.NewReader([]byte{0x80, 0x80, 0x80, 0x80, 0x01})); !errors.Is(err, errMalformed) {
		t.Errorf("five bytes give %v", err)
	}
}

func TestEveryPropertyIsPassedOver(t *testing.T) {
	// One of each, in the order of MQTT 5.0, table 2-4, and at the end one that is looked at.
	all := "\x01\x01" + "\x02\x00\x00\x00\x01" + "\x03\x00\x01c" + "\x08\x00\x01r" + "\x09\x00\x01d" + "\x0b\x80\x01" +
		"\x11\x00\x00\x00\x05" + "\x12\x00\x01i" + "\x13\x00\x07" + "\x15\x00\x01m" + "\x16\x00\x01d" + "\x17\x01" + "\x18\x00\x00\x00\x01" +
		"\x19\x01" + "\x1a\x00\x01i" + "\x1c\x00\x01s" + "\x21\x00\x01" + "\x22\x00\x01" + "\x23\x00\x01" + "\x24\x01" + "\x25\x01" +
		"\x26\x00\x01k\x00\x01v" + "\x27\x00\x00\x00\x01" + "\x28\x01" + "\x29\x01" + "\x2a\x01" + "\x1f\x00\x01e"
	c := cursor{rest: append(appendVarint(nil, len(all)), all+"rest"...)}
	p := c.properties()
	if c.bad || string(c.rest) != "rest" {
		t.Fatalf("bad: %v, rest %q", c.bad, c.rest)
	}
	mustEqual(t, "properties", fmt.Sprint(p.contentType, p.responseTopic, string(p.correlationData), p.user, p.reason, *p.sessionExpiry, *p.keepAlive),
		"crd[[k v]]e5s 7s")
}

func TestAcknowledgementsKeepTheOrder(t *testing.T) {
	var sent []uint16
	l := newLedger(func(m *owed) { sent = append(sent, m.id) })
	a, b, c, d := l.add(1, 1), l.add(2, 2), l.add(3, 1), l.add(4, 1)
	if l.add(2, 2) != nil {
		t.Error("a message that is owed already is taken again")
	}
	l.settle(b, nil)
	l.settle(d, nil)
	mustEqual(t, "sent before the first", sent, nil)
	l.settle(a, nil)
	mustEqual(t, "sent after the first", sent, []uint16{1, 2})
	if l.add(2, 1) == nil {
		t.Error("an identifier that is free again is not taken")
	}
	waited := make(chan struct{})
	go func() { l.wait(time.Minute); close(waited) }()
	l.settle(c, errors.New("not delivered"))
	l.settle(l.owed[2], nil)
	<-waited
	mustEqual(t, "sent behind one that failed", sent, []uint16{1, 2})
}

func FuzzPackets(f *testing.F) {
	f.Add([]byte(accepted + subscribed + "\x30\x05\x00\x01a\x00x\xe0\x02\x8e\x00"))
	f.Add([]byte("\x34\x0a\x00\x01a\x00\x01\x04\x26\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bufio.NewReader(bytes.NewReader(stream))
		for {
			p, err := readPacket(r, 1000)
			if err != nil {
				return
			}
			for _, v := range []version{v311, v5} {
				_, _ = parseConnack(v, p.body)
				_, _, _ = parseSuback(v, p.body)
				if m, err := parsePublish(v, p); err == nil && len(m.payload) > len(p.body) {
					t.Error("more payload than there is")
				}
			}
			_, _, _ = parseDisconnect(p.body)
		}
	})
}
