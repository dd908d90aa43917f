package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"syscall"
)

// A fileID tells files apart while they exist.
type fileID struct{ device, inode uint64 }

func identify(info os.FileInfo) fileID {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{uint64(st.Dev), st.Ino}
	}
	return fileID{}
}

// unlinked reports whether no name leads to the file any more.
func unlinked(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

// headSize is how many bytes of a file's beginning go into its fingerprint.
const headSize = 1024

// A position says how far a file has been read, and how to find that file again under another name. It holds no device
// number: those change when a machine or a container starts again.
type position struct {
	generation string // random, a new one for each file and for each truncation: no position ever recurs
	offset     int64
	inode      uint64 // 0 where the system has none: then there is nothing to find again
	length     int    // of the beginning that the fingerprint covers
	sum        string // of that beginning
}

// positionForm is the first version of the format. Another version is refused rather than guessed at.
var positionForm = regexp.MustCompile(`^1:([0-9a-f]{16}):([0-9]{1,18}):([0-9]{1,20}):([0-9]{1,4}):([0-9a-f]{16})$`)

// String writes a position as parsePosition reads it.
func (p position) String() string {
	b := append(make([]byte, 0, 80), "1:"...)
	b = append(append(b, p.generation...), ':')
	b = append(strconv.AppendInt(b, p.offset, 10), ':')
	b = append(strconv.AppendUint(b, p.inode, 10), ':')
	b = append(strconv.AppendInt(b, int64(p.length), 10), ':')
	return string(append(b, p.sum...))
}

func parsePosition(text string) (position, error) {
	m := positionForm.FindStringSubmatch(text)
	if m == nil {
		return position{}, fmt.Errorf("the saved position %q is not one that this version can read: "+
			"use the version that wrote it, or start over under another --name", text)
	}
	offset, _ := strconv.ParseInt(m[2], 10, 64) // 18 digits always fit
	inode, err := strconv.ParseUint(m[3], 10, 64)
	length, _ := strconv.Atoi(m[4])
	if err != nil || length > headSize || int64(length) > offset {
		return position{}, fmt.Errorf("the saved position %q is damaged: start over under another --name", text)
	}
	return position{generation: m[1], offset: offset, inode: inode, length: length, sum: m[5]}, nil
}

func newGeneration() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func fingerprint(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:8])
}

// matches reports whether a file begins as the one the position is for, and reaches that far.
func (p position) matches(file *os.File, info os.FileInfo) bool {
	if info.Size() < p.offset {
		return false
	}
	head, err := readHead(file, int64(p.length))
	return err == nil && len(head) == p.length && fingerprint(head) == p.sum
}

// readHead reads the beginning of a file, as much of it as fingerprints cover, but no more than limit bytes.
func readHead(file *os.File, limit int64) ([]byte, error) {
	head := make([]byte, min(headSize, limit))
	n, err := file.ReadAt(head, 0)
	if err == io.EOF {
		err = nil
	}
	return head[:n], err
}
