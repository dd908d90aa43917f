package kps

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// The names of instances, and of the files that keep their positions, are made of the platform's ids.
const (
	longestName = 100 // bytes; connectors take 120
	hashLength  = 12  // hex digits
)

// instanceName makes a name of an id: the id itself where it can be one, else what can be kept of it and a hash, so that no
// two ids have the same name, also where capitals do not count.
func instanceName(id string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, id)
	if clean == id && len(id) <= longestName {
		return "kps-" + id
	}
	sum := sha256.Sum256([]byte(id))
	return "kps-" + clean[:min(len(clean), longestName-hashLength)] + "." + hex.EncodeToString(sum[:])[:hashLength]
}
