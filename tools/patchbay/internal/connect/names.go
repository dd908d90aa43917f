package connect

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// validSubject reports whether a text is a subject: parts joined by dots that hold no blanks. Where wildcards are allowed, a
// part may be *, and the last one >.
func validSubject(subject string, wildcards bool) bool {
	parts := strings.Split(subject, ".")
	for i, part := range parts {
		wild := part == "*" || part == ">" && i == len(parts)-1
		if wild && wildcards {
			continue
		}
		if part == "" || strings.ContainsAny(part, "*> \t\r\n") || strings.Contains(part, "${") {
			return false
		}
	}
	return true
}

// validKey reports whether a text is a key of a bucket, or where wildcards are allowed a pattern of keys.
func validKey(key string, wildcards bool) bool {
	for part := range strings.SplitSeq(key, ".") {
		if part != "*" && part != ">" && strings.ContainsFunc(part, notInKey) {
			return false
		}
	}
	return validSubject(key, wildcards)
}

// notInKey reports whether a key-value bucket has no such character in its keys (NATS architecture decision 8).
func notInKey(c rune) bool { return notInName(c) && c != '/' && c != '=' }

func validBucket(bucket string) bool { return bucket != "" && !strings.ContainsFunc(bucket, notInName) }

func notInName(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
}

// legal returns s with a hyphen for what a name may not hold; a digest of s is added if there was such a thing.
func legal(s string) string {
	clean := strings.Map(func(c rune) rune {
		if notInName(c) {
			return '-'
		}
		return c
	}, s)
	if clean == s && len(s) <= 64 {
		return s
	}
	return clean[:min(len(clean), 64)] + "-" + digest(s)
}

// digest tells texts apart, in 8 characters.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
