package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/link"
)

func TestTheLedgerHoldsASourceBackByBytes(t *testing.T) {
	l := newLedger(100, 1000, nil)
	l.setSource(&port{wake: make(chan struct{}, 1)})
	l.add([]frame{{1, make([]byte, 999), 1}})
	free := make(chan struct{})
	l.room(free) // returns
	l.add([]frame{{2, make([]byte, 1), 1}})
	returned := make(chan struct{})
	go func() { l.room(free); close(returned) }()
	select {
	case <-returned:
		t.Fatal("room for more than there may be")
	case <-time.After(20 * time.Millisecond):
	}
	l.setSink(&port{wake: make(chan struct{}, 1)})
	l.grant(1)
	buf, line := l.fill(nil, 1)
	if line != 2 || len(buf) != 1000 {
		t.Errorf("%d bytes to line %d for a credit of one", len(buf), line)
	}
	l.ack(link.Ranges{{First: 2, Last: 2}})
	<-returned
}

func TestTheLedgerForgetsWhatIsSettledBehindARecordThatIsStuck(t *testing.T) {
	l := newLedger(10, 1<<20, nil)
	l.setSource(&port{wake: make(chan struct{}, 1)})
	l.setSink(&port{wake: make(chan struct{}, 1)})
	l.grant(1000)
	line := int64(1)
	for n := int64(1); n <= 1000; n++ {
		l.add([]frame{{n, []byte(`{"record":{}}`), 0}})
		_, line = l.fill(nil, line)
		if n > 1 {
			l.ack(link.Ranges{{First: line, Last: line}})
		}
	}
	if open, settled, _ := l.state(); open != 1 || settled != 999 || len(l.entries) > 100 {
		t.Errorf("%d open, %d settled, %d kept", open, settled, len(l.entries))
	}
}

func TestARecordWhoseSourceHasGoneIsSentAgain(t *testing.T) {
	r := &run{ledger: newLedger(10, 1<<20, nil)}
	l := r.ledger
	l.setSource(&port{wake: make(chan struct{}, 1)})
	sink := &port{wake: make(chan struct{}, 1)}
	l.setSink(sink)
	l.grant(2)
	l.add([]frame{{1, []byte(`{"record":{"value":"a"}}`), 1}, {2, []byte(`{"record":{"value":"b"}}`), 1}, {3, []byte(`{"record":{"value":"c"}}`), 1}})
	fill := func(line int64, want string) int64 {
		t.Helper()
		var buf []byte
		for len(buf) == 0 { // it may be told for another reason
			<-sink.wake
			buf, line = l.fill(nil, line)
		}
		if got := strings.TrimSpace(string(buf)); got != want {
			t.Fatalf("the sink was sent %s, want %s", got, want)
		}
		return line
	}
	says := func(frame string) error { return r.fromSink([]link.Line{{Number: 2, Data: []byte(frame)}}, nil) }
	line := fill(1, `{"record":{"value":"a"}}`+"\n"+`{"record":{"value":"b"}}`)
	l.setSource(nil)
	if err := says(`{"nack":"2","error":"later","delay_ms":1}`); err != nil {
		t.Fatal(err)
	}
	line = fill(line, `{"record":{"value":"c"}}`) // its credit is free for another
	if err := says(`{"ack":"3-4"}`); err != nil {
		t.Fatal(err)
	}
	line = fill(line, `{"record":{"value":"a"},"attempt":2}`)
	if open, settled, _ := l.state(); open != 1 || settled != 2 {
		t.Errorf("%d open, %d settled", open, settled)
	}
	err := says(`{"nack":"5","error":"poison","permanent":true}`)
	if err == nil || err.Error() != "it refused 1 records whose source has gone: poison" || !(&side{r: r}).final(err, false) {
		t.Errorf("for good, it is %v", err)
	}
	if err := says(`{"ack":"2-5"}`); err != nil {
		t.Fatal(err)
	}
	if open, settled, _ := l.state(); open != 0 || settled != 3 {
		t.Errorf("%d open, %d settled", open, settled)
	}
	if buf, _ := l.fill(nil, line); len(buf) > 0 {
		t.Errorf("the sink was sent %s", buf)
	}
}
