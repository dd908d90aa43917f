package main

import (
	"fmt"

	"github.com/patchbay-dev/patchbay/common"
)

// A reason is what a code of the server means.
type reason struct {
	text  string
	final bool // no retry helps; somebody has to do something
}

// reasons5 are the codes of MQTT 5 that a subscriber may get, in CONNACK, SUBACK or DISCONNECT: MQTT 5.0, section 2.4.
var reasons5 = map[byte]reason{
	0x00: {"it ended the connection", false},
	0x80: {"it gives no reason", false},
	0x81: {"malformed packet", true},
	0x82: {"protocol error", true},
	0x83: {"an error of its implementation", false},
	0x84: {"it does not support MQTT 5; choose --protocol 3.1.1", true},
	0x85: {"it does not accept the client id; choose another --client-id", true},
	0x86: {"bad user name or password", true},
	0x87: {"not authorized", true},
	0x88: {"it is unavailable", false},
	0x89: {"it is busy", false},
	0x8a: {"the client is banned", true},
	0x8b: {"it shuts down", false},
	0x8c: {"it wants another way to authenticate, which is not supported", true},
	0x8d: {"it has heard nothing for too long", false},
	0x8e: {"another client has taken over the session; give each instance its own --client-id", true},
	0x8f: {"it does not accept the topic filter", true},
	0x91: {"the packet identifier is in use", false},
	0x93: {"too many messages are not acknowledged", false},
	0x95: {"packet too large", false},
	0x96: {"the message rate is too high", false},
	0x97: {"a quota is exceeded", false},
	0x98: {"its administrator has ended the connection", false},
	0x9b: {"it does not support this --qos", true},
	0x9c: {"another server is to be used for now", true},
	0x9d: {"it has moved to another address", true},
	0x9e: {"it does not support shared subscriptions", true},
	0x9f: {"connections are made too fast", false},
	0xa0: {"the longest time for a connection is over", false},
	0xa2: {"it does not support wildcards", true},
}

// reasons311 are those of CONNACK and SUBACK in MQTT 3.1.1, sections 3.2.2.3 and 3.9.3. They are also how a server that
// knows no MQTT 5 answers.
var reasons311 = map[byte]reason{
	1:    {"it does not support this --protocol", true},
	2:    {"it does not accept the client id; choose another --client-id", true},
	3:    {"it is unavailable", false},
	4:    {"bad user name or password", true},
	5:    {"not authorized", true},
	0x80: {"it does not allow it", true},
}

// refused makes an error of a code: what the server did, and why. detail is the server's own text, if there is one.
func refused(v version, did string, code byte, detail string) error {
	known := reasons311
	if v == v5 && code&0x80 != 0 || code == 0 {
		known = reasons5
	}
	why, ok := known[code]
	if !ok {
		why.text = fmt.Sprintf("code %#02x", code)
	}
	err := fmt.Errorf("the server %s: %s", did, why.text)
	if detail != "" {
		err = fmt.Errorf("%w: %q", err, detail)
	}
	if why.final {
		return common.Permanent(err)
	}
	return err
}
