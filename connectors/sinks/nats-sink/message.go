package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/patchbay-dev/patchbay/common"
	"github.com/patchbay-dev/patchbay/common/natsclient"
	"github.com/patchbay-dev/patchbay/common/record"
)

// opDelete is the operation of a bucket's message that removes a key (NATS ADR-8).
const opDelete = "DEL"

// streamName is the stream to write to, which a bucket has too; empty for a plain subject.
func (s *NATSSink) streamName() string {
	if s.Bucket != "" {
		return natsclient.BucketStream + s.Bucket
	}
	return s.Stream
}

// message makes a message of a record. The error is a refusal.
func (s *NATSSink) message(rec *common.Record) (*nats.Msg, error) {
	msg := &nats.Msg{Header: make(nats.Header, len(rec.Headers)+1), Data: rec.Value}
	for name, value := range rec.Headers {
		// Instructions come from another system, where they have been obeyed.
		if natsclient.Steers(name) || s.Bucket != "" && name == natsclient.OpHeader {
			continue
		}
		if err := set(msg, name, value); err != nil {
			return nil, err
		}
	}
	if s.Bucket != "" {
		if !bucketKey.MatchString(rec.Key) || strings.Contains("."+rec.Key+".", "..") {
			return nil, &refusal{fmt.Errorf("%q cannot be a key of a bucket: those have letters, digits, -_/= and single dots within", rec.Key)}
		}
		msg.Subject = natsclient.BucketSubject + s.Bucket + "." + rec.Key
		if rec.Op == record.Delete {
			msg.Data = nil
			return msg, set(msg, natsclient.OpHeader, opDelete)
		}
		return msg, nil // without an id: a put that comes again must not be dropped
	}
	if rec.ID != "" {
		if err := set(msg, jetstream.MsgIDHeader, rec.ID); err != nil {
			return nil, err
		}
	}
	if s.KeyHeader != "" && rec.Key != "" {
		if err := set(msg, s.KeyHeader, rec.Key); err != nil {
			return nil, err
		}
	}
	subject, err := render(s.Subject, rec)
	if err != nil {
		return nil, &refusal{err}
	}
	msg.Subject = subject
	return msg, nil
}

// set sets a header. The error is a refusal.
func set(msg *nats.Msg, name, value string) error {
	if !headerName.MatchString(name) {
		return &refusal{fmt.Errorf("the record has a header %q, which is no name that NATS can carry", name)}
	}
	if strings.ContainsAny(value, "\r\n\x00") {
		return &refusal{fmt.Errorf("the record's header %s would hold more than a line, which NATS cannot carry", name)}
	}
	msg.Header[name] = []string{value}
	return nil
}

var (
	bucketKey   = regexp.MustCompile(`^[-/_=.a-zA-Z0-9]+$`)
	headerName  = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~` + "`" + `-]+$`)
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)
)

// checkTemplate says what is wrong with a subject that may have placeholders.
func checkTemplate(template string) error {
	for _, found := range placeholder.FindAllString(template, -1) {
		if found != "{key}" && found != "{subject}" {
			return fmt.Errorf("%s stands for nothing; there are {key} and {subject}", found)
		}
	}
	rest := placeholder.ReplaceAllString(template, "x")
	switch {
	case strings.ContainsAny(rest, "{}"):
		return errors.New("a { or } is without its other half")
	case strings.ContainsAny(rest, "*>"):
		return errors.New("nothing can be published to a wildcard; write the subject in full")
	}
	return nil
}

// render puts what a record has into a subject with placeholders.
func render(template string, rec *common.Record) (string, error) {
	if !strings.Contains(template, "{") {
		return template, nil
	}
	subject := strings.NewReplacer("{key}", rec.Key, "{subject}", rec.Subject).Replace(template)
	switch {
	case strings.Contains(template, "{key}") && rec.Key == "":
		return "", errors.New("the record has no key, which --subject needs")
	case strings.Contains(template, "{subject}") && rec.Subject == "":
		return "", errors.New("the record has no subject, which --subject needs")
	case strings.ContainsAny(subject, " \t\r\n\x00*>"), strings.Contains("."+subject+".", ".."):
		return "", fmt.Errorf("%q, made of what the record has, is no subject to publish to", subject)
	case strings.HasPrefix(template, "{") && (strings.HasPrefix(subject, "$") || strings.HasPrefix(subject, "_INBOX.")):
		// A record must not give orders to the servers.
		return "", fmt.Errorf("%q, made of what the record has, is a subject of the system", subject)
	}
	return subject, nil
}
