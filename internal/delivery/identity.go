package delivery

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
)

// identifiers gives an id to every record that has none.
type identifiers struct {
	derive bool // positions never recur: the same record gets the same id after a restart
	mu     sync.Mutex
	hash   hash.Hash
	scope  string // name and state epoch
	last   map[string]ordinal
}

// An ordinal counts the records that share one position.
type ordinal struct {
	position string
	n        uint64
}

func newIdentifiers(derive bool, name, epoch string) *identifiers {
	return &identifiers{derive: derive, hash: sha256.New(), scope: name + "\x00" + epoch, last: map[string]ordinal{}}
}

// id returns the id of a record: its own, one derived from where it stands, or a random one.
func (i *identifiers) id(rec *record.Record) string {
	if rec.ID != "" {
		return rec.ID
	}
	var sum [16]byte
	if i.derive && rec.Position != "" {
		i.mu.Lock()
		defer i.mu.Unlock()
		o := i.last[rec.Partition]
		if o.position == rec.Position {
			o.n++
		} else {
			o = ordinal{position: rec.Position}
		}
		i.last[rec.Partition] = o
		i.hash.Reset()
		for _, part := range []string{i.scope, rec.Partition, rec.Position} {
			i.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part)))) // no two lists of parts are written alike
			i.hash.Write([]byte(part))
		}
		i.hash.Write(binary.BigEndian.AppendUint64(nil, o.n))
		copy(sum[:], i.hash.Sum(nil))
	} else {
		_, _ = rand.Read(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// restart forgets which positions were seen, for a new session.
func (i *identifiers) restart() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.last)
}
