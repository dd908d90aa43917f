package delivery

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"

	"github.com/patchbay-dev/patchbay/common/record"
)

// identifiers gives an id to every record that has none.
type identifiers struct {
	derive bool   // positions never recur: the same record gets the same id after a restart
	scope  string // name and state epoch
	own    string // what an id begins with that the source has chosen itself

	mu      sync.Mutex
	last    map[string]ordinal
	scratch []byte // what the last id was derived from
}

// An ordinal counts the records that share one position.
type ordinal struct {
	position string
	n        uint64
}

func newIdentifiers(derive bool, name, epoch string) *identifiers {
	return &identifiers{derive: derive, scope: name + "\x00" + epoch, last: map[string]ordinal{}}
}

// scopeOwn makes ids that sources have chosen differ from those of other instances, and from those of the same one before its
// state was changed by hand. It is for topics that drop what has an id that they have seen.
func (i *identifiers) scopeOwn(name, epoch string) {
	i.own = name + ":"
	if epoch != "" {
		i.own += epoch + ":"
	}
}

// id returns the id of a record: its own, one derived from where it stands, or a random one.
func (i *identifiers) id(rec *record.Record) string {
	if rec.ID != "" {
		return i.own + rec.ID
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
		b := i.scratch[:0]
		for _, part := range [...]string{i.scope, rec.Partition, rec.Position} {
			b = binary.BigEndian.AppendUint64(b, uint64(len(part))) // no two lists of parts are written alike
			b = append(b, part...)
		}
		i.scratch = binary.BigEndian.AppendUint64(b, o.n)
		all := sha256.Sum256(i.scratch)
		copy(sum[:], all[:])
	} else {
		_, _ = rand.Read(sum[:])
	}
	var text [22]byte
	base64.RawURLEncoding.Encode(text[:], sum[:])
	return string(text[:])
}

// restart forgets which positions were seen, for a new session.
func (i *identifiers) restart() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.last)
}

// forget lets go of a partition whose positions will not be seen again.
func (i *identifiers) forget(partition string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.last, partition)
}
