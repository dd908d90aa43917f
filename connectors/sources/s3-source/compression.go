package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that decompression takes: what the zstd tool accepts without being told to.
const maxWindow = 128 << 20

// compression says how an object is compressed: none, gzip or zstd, or what its content encoding names beside these.
func (s *S3Source) compression(key, coding string) string {
	if s.Compression != "auto" {
		return s.Compression
	}
	for name := range strings.SplitSeq(coding, ",") {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "", "identity", "aws-chunked": // the last is how it was sent to the server
		case "x-gzip":
			return "gzip"
		default:
			return name
		}
	}
	switch {
	case strings.HasSuffix(key, ".gz"):
		return "gzip"
	case strings.HasSuffix(key, ".zst"):
		return "zstd"
	}
	return "none"
}

// decompress reads what is compressed. The caller closes the reader.
func decompress(r io.Reader, compression string) (io.ReadCloser, error) {
	switch compression {
	case "none":
		return io.NopCloser(r), nil
	case "gzip":
		return gzip.NewReader(r)
	case "zstd":
		// One goroutine and buffers just as large as needed: objects are read one at a time.
		decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("its content encoding %q is not one that can be decompressed; --compression none takes it as it is", compression)
}
