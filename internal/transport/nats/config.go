package nats

import (
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay-dev/patchbay/internal/transport"
)

// CheckURL returns a ConfigError if Connect would refuse a comma-separated list of server addresses as it is written. It
// connects to nothing; the empty list, which means the local broker, is fine.
func CheckURL(list string) error {
	_, err := parseTarget(list)
	return err
}

// check refuses what no server could make good.
func (c *Config) check() error {
	if err := checkTopic(c.Topic); err != nil {
		return &transport.ConfigError{Err: err}
	}
	if c.Envelope != "" && c.Envelope != "cloudevents" {
		return transport.Misconfigured("envelope %q is not known: leave it empty or say cloudevents", c.Envelope)
	}
	if err := c.Stream.Check(); err != nil {
		return err
	}
	return c.Access.Check(c.URL)
}

// checkTopic refuses what would not be one literal NATS subject.
func checkTopic(topic string) error {
	if topic == "" {
		return errors.New("topic is empty")
	}
	for token := range strings.SplitSeq(topic, ".") {
		if token == "" {
			return fmt.Errorf("topic %q: a dot must stand between two names", topic)
		}
		if strings.ContainsFunc(token, notInTopic) {
			return fmt.Errorf("topic %q: only letters, digits, dots, hyphens and underscores are allowed", topic)
		}
	}
	return nil
}

func notInTopic(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
}
