package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"strings"

	"github.com/patchbay-dev/patchbay/common/record"
	"github.com/patchbay-dev/patchbay/internal/delivery"
)

// headerPrefix begins the headers that a dead letter has beside those of its record.
const headerPrefix = "Patchbay-Dead-"

// A Letter is what a dead letter says about its record.
type Letter struct {
	ID        string `json:"id"`              // of the record when it died
	Topic     string `json:"topic,omitempty"` // that it came from, or was on its way to
	Key       string `json:"key,omitempty"`
	Step      string `json:"step,omitempty"` // transform, publish or write
	Reason    string `json:"reason,omitempty"`
	Connector string `json:"connector,omitempty"`
	Version   string `json:"version,omitempty"`
	Time      string `json:"time,omitempty"` // when it died
}

func describe(dead *record.Record) Letter {
	h := dead.Headers
	l := Letter{
		ID: h[delivery.HeaderID], Topic: h[delivery.HeaderTopic], Key: dead.Key, Step: h[delivery.HeaderStep],
		Reason: h[delivery.HeaderReason], Connector: h[delivery.HeaderConnector], Version: h[delivery.HeaderVersion],
		Time: h[delivery.HeaderTime],
	}
	if l.ID == "" {
		l.ID = dead.ID
	}
	return l
}

// untransformed reports whether the record is as a source read it: a source gives up what it read, before its transforms.
func (l *Letter) untransformed() bool {
	return l.Step == "publish" || l.Step == "transform" && strings.HasSuffix(l.Connector, "-source")
}

// revive returns the record of a dead letter as it was, with an id of its own.
//
// The id is ID.replay.DIGEST. ID is that of the record, without what an earlier replay added, so that ids do not grow. The
// digest is of the letter's own id and of the time in it: a topic that drops duplicates by id takes the record for neither its
// first delivery nor an earlier replay after which it died again, and does recognise the same letter that is sent again
// because a replay was cut off.
func revive(dead record.Record) record.Record {
	base := dead.Headers[delivery.HeaderID]
	if base == "" {
		base = dead.ID
	}
	sum := sha256.Sum256([]byte(dead.ID + "\x00" + dead.Headers[delivery.HeaderTime]))
	dead.ID = replayed.ReplaceAllString(base, "") + ".replay." + hex.EncodeToString(sum[:8])
	dead.Headers = maps.Clone(dead.Headers)
	maps.DeleteFunc(dead.Headers, func(name, _ string) bool { return strings.HasPrefix(name, headerPrefix) })
	dead.Settled = nil
	return dead
}

// replayed is what revive adds to an id.
var replayed = regexp.MustCompile(`\.replay\.[0-9a-f]{16}$`)
