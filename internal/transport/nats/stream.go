package nats

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// ensureStream returns the stream that covers the topic: the one that is there, else one it makes. It may be called by
// any number of processes at once.
func (c *Conn) ensureStream(ctx context.Context) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout) // a question that a dying server took along is never answered
	defer cancel()
	topic := c.cfg.Topic
	var err error
	for _, name := range streamNames(topic) {
		var found string
		// Asked again for each name: one that is taken may have been taken for this topic just now.
		found, err = c.js.StreamNameBySubject(ctx, topic)
		if err == nil {
			return c.openStream(ctx, found)
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			break
		}
		var stream jetstream.Stream
		stream, err = c.js.CreateStream(ctx, c.cfg.Stream.config(name, topic, c.cfg.Connector))
		if err == nil {
			return stream, nil
		}
		if refused := c.cfg.Stream.refused(err); refused != nil {
			return nil, fmt.Errorf("make a stream for topic %s: %w", topic, refused)
		}
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			break
		}
	}
	// Somebody else may have made a stream that covers the topic, under a name of theirs.
	if found, lookupErr := c.js.StreamNameBySubject(ctx, topic); lookupErr == nil {
		return c.openStream(ctx, found)
	}
	return nil, fmt.Errorf("make a stream for topic %s: %w", topic, c.explain(err))
}

func (c *Conn) openStream(ctx context.Context, name string) (jetstream.Stream, error) {
	stream, err := c.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", name, c.explain(err))
	}
	c.adopt(stream.CachedInfo().Config)
	return stream, nil
}

// adopt says once that a stream which was there is not as it would have been made. It is somebody's, and is left as it is.
func (c *Conn) adopt(cfg jetstream.StreamConfig) {
	other := c.cfg.Stream.differences(cfg)
	c.mu.Lock()
	told := c.adopted == cfg.Name
	c.adopted = cfg.Name
	c.mu.Unlock()
	if len(other) > 0 && !told {
		c.log.Info("the stream is used as it is, which is not as asked for", "topic", c.cfg.Topic, "stream", cfg.Name,
			"has", strings.Join(other, ", "))
	}
}

// streamNames returns the names to try, in order: the topic with underscores for its dots, which a stream name must not
// have, and, where another topic has that name, the same with a digest of the topic.
func streamNames(topic string) []string {
	plain := strings.ReplaceAll(topic, ".", "_")
	sum := sha256.Sum256([]byte(topic))
	return []string{plain, plain + "-" + hex.EncodeToString(sum[:4])}
}

// legalName returns s as a name that streams, consumers and keys may have: letters, digits, hyphens and underscores stay,
// every other byte becomes = and two hexadecimal digits. Different strings have different names.
func legalName(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if notInTopic(rune(c)) {
			b.Write([]byte{'=', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Exists reports whether a stream covers the topic. It makes none.
func (c *Conn) Exists(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := c.js.StreamNameBySubject(ctx, c.cfg.Topic)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for topic %s: %w", c.cfg.Topic, c.explain(err))
	}
	return true, nil
}
