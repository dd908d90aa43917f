package main

import (
	"encoding/binary"
	"math"
	"time"
)

// A version of the protocol, as CONNECT names it.
type version byte

const (
	v311 version = 4
	v5   version = 5
)

// The types of control packets that a subscriber meets: MQTT 5.0, section 2.1.2.
const (
	typeConnect    = 1
	typeConnack    = 2
	typePublish    = 3
	typePuback     = 4
	typePubrec     = 5
	typePubrel     = 6
	typePubcomp    = 7
	typeSubscribe  = 8
	typeSuback     = 9
	typePingreq    = 12
	typePingresp   = 13
	typeDisconnect = 14
)

// maxKeepAlive is the longest that CONNECT can name.
const maxKeepAlive = math.MaxUint16 * time.Second

// A connect asks for a session.
type connect struct {
	version        version
	session        identity
	keepAlive      time.Duration
	receiveMaximum int
	username       string
	password       string
}

// append adds the packet: MQTT 5.0, section 3.1.
func (p *connect) append(b []byte) []byte {
	var flags byte
	if p.session.clean {
		flags |= 0x02
	}
	if p.username != "" {
		flags |= 0x80
	}
	if p.password != "" {
		flags |= 0x40
	}
	body := append(appendString(nil, "MQTT"), byte(p.version), flags)
	body = binary.BigEndian.AppendUint16(body, uint16(p.keepAlive/time.Second))
	if p.version == v5 {
		props := binary.BigEndian.AppendUint32([]byte{propSessionExpiry}, expirySeconds(p.session.expiry))
		props = binary.BigEndian.AppendUint16(append(props, propReceiveMaximum), uint16(p.receiveMaximum))
		body = append(appendVarint(body, len(props)), props...)
	}
	body = appendString(body, p.session.id)
	if p.username != "" {
		body = appendString(body, p.username)
	}
	if p.password != "" {
		body = appendString(body, p.password)
	}
	return appendPacket(b, typeConnect, 0, body)
}

// expirySeconds is a session expiry in whole seconds, rounded up; the highest number means for ever.
func expirySeconds(d time.Duration) uint32 {
	seconds := d / time.Second
	if d%time.Second > 0 {
		seconds++
	}
	return uint32(min(seconds, math.MaxUint32))
}

// A connack answers connect.
type connack struct {
	resumed bool // the server has kept the session
	code    byte
	properties
}

func parseConnack(v version, body []byte) (p connack, err error) {
	c := cursor{rest: body}
	p.resumed = c.byte()&1 == 1
	p.code = c.byte()
	if v == v5 && len(c.rest) > 0 { // a server that knows no MQTT 5 refuses it in the words of 3.1.1
		p.properties = c.properties()
	}
	return p, c.err()
}

// subscribeID is the packet identifier of the one SUBSCRIBE of a connection.
const subscribeID = 1

// appendSubscribe adds the packet: MQTT 5.0, section 3.8. Only MQTT 5 has options beside the QoS.
func appendSubscribe(b []byte, v version, filters []string, qos byte, retainHandling byte) []byte {
	body := binary.BigEndian.AppendUint16(nil, subscribeID)
	options := qos
	if v == v5 {
		body = append(body, 0) // no properties
		options |= retainHandling << 4
	}
	for _, filter := range filters {
		body = append(appendString(body, filter), options)
	}
	return appendPacket(b, typeSubscribe, 0x02, body)
}

// parseSuback returns the code of each filter.
func parseSuback(v version, body []byte) (codes []byte, reason string, err error) {
	c := cursor{rest: body}
	id := c.uint16()
	if v == v5 {
		reason = c.properties().reason
	}
	if id != subscribeID {
		c.bad = true
	}
	return c.rest, reason, c.err()
}

// A message is a PUBLISH.
type message struct {
	id        uint16 // of the packet; 0 with QoS 0
	qos       byte
	duplicate bool
	retained  bool
	topic     string
	payload   []byte
	properties
}

func parsePublish(v version, p packet) (m message, err error) {
	c := cursor{rest: p.body}
	m.duplicate, m.qos, m.retained = p.flags&8 != 0, p.flags>>1&3, p.flags&1 != 0
	m.topic = c.text()
	if m.qos > 0 {
		m.id = c.uint16()
	}
	if v == v5 {
		m.properties = c.properties()
	}
	m.payload = c.rest
	// No topic aliases are offered to the server, so that it must name the topic.
	if m.topic == "" || m.qos > 2 || m.qos > 0 && m.id == 0 {
		c.bad = true
	}
	return m, c.err()
}

// appendAck adds one of the packets that are nothing but a packet identifier; in MQTT 5 that means success.
func appendAck(b []byte, kind byte, id uint16) []byte {
	return append(b, kind<<4, 2, byte(id>>8), byte(id))
}

// parseDisconnect returns why the server ends the connection.
func parseDisconnect(body []byte) (code byte, reason string, err error) {
	if len(body) == 0 {
		return 0, "", nil
	}
	c := cursor{rest: body}
	code = c.byte()
	if len(c.rest) > 0 {
		reason = c.properties().reason
	}
	return code, reason, c.err()
}
