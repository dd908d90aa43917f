package main

import "time"

// Identifiers of properties: MQTT 5.0, section 2.2.2.2.
const (
	propContentType     = 0x03
	propResponseTopic   = 0x08
	propCorrelationData = 0x09
	propSessionExpiry   = 0x11
	propServerKeepAlive = 0x13
	propReason          = 0x1f
	propReceiveMaximum  = 0x21
	propUser            = 0x26
)

// properties are those of a packet of MQTT 5 that the source makes use of.
type properties struct {
	contentType     string
	responseTopic   string
	correlationData []byte
	user            [][2]string // names may come more than once
	reason          string
	sessionExpiry   *time.Duration // where the server has decided
	keepAlive       *time.Duration // where the server has decided
}

// properties reads a list of properties. Others than those above are passed over, for which their types must be known.
func (c *cursor) properties() (p properties) {
	list := cursor{rest: c.take(c.varint()), bad: c.bad}
	for len(list.rest) > 0 && !list.bad {
		switch id := list.varint(); id {
		case propContentType:
			p.contentType = list.text()
		case propResponseTopic:
			p.responseTopic = list.text()
		case propCorrelationData:
			p.correlationData = list.bytes()
		case propReason:
			p.reason = list.text()
		case propUser:
			p.user = append(p.user, [2]string{list.text(), list.text()})
		case propSessionExpiry:
			d := time.Duration(list.uint32()) * time.Second
			p.sessionExpiry = &d
		case propServerKeepAlive:
			d := time.Duration(list.uint16()) * time.Second
			p.keepAlive = &d
		case 0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a:
			list.byte()
		case propReceiveMaximum, 0x22, 0x23:
			list.uint16()
		case 0x02, 0x18, 0x27:
			list.uint32()
		case 0x0b:
			list.varint()
		case 0x12, 0x15, 0x1a, 0x1c:
			list.text()
		case 0x16:
			list.bytes()
		default:
			list.bad = true
		}
	}
	c.bad = c.bad || list.bad
	return p
}
