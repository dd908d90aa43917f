package kps

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	pb "github.com/patchbay-dev/patchbay/tools/patchbay/internal/kps/connectorv1"
)

func TestCountersArePushed(t *testing.T) {
	bodies := make(chan string, 10)
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- r.Method + " " + r.URL.Path + "\n" + string(body)
	}))
	defer gateway.Close()
	p := newPlatform(t, func(o *Options) { o.PushGateway = strings.TrimPrefix(gateway.URL, "http://") }, sourceName)
	count := func() (connect, publish float64) {
		head, text, _ := strings.Cut(<-bodies, "\n")
		if head != "PUT /metrics/job/patchbay_kps/instance@base64/Y29ubmVjdG9yLTc" { // connector-7
			t.Errorf("the gateway got %s", head)
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return families["transport_connect_errors"].GetMetric()[0].GetCounter().GetValue(),
			families["transport_publish_errors"].GetMetric()[0].GetCounter().GetValue()
	}
	if connect, publish := count(); connect != 0 || publish != 0 {
		t.Errorf("at the start there are %v and %v errors", connect, publish)
	}
	got := p.subscribe("a")
	p.mustSet(ingress("a", "a", nil))
	await(t, "records", func() bool { return len(got.lines()) > 0 })
	p.stopBroker()
	await(t, "an alert", func() bool { return p.alert("a", publishFailed) != nil })
	p.startBroker()
	p.awaitState("a", pb.State_STATE_HEALTHY)
	p.stop(syscall.SIGTERM)
	if connect, publish := count(); connect == 0 || publish == 0 {
		t.Errorf("at the end there are %v and %v errors", connect, publish)
	}
}
