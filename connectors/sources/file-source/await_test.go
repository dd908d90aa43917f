package main

import (
	"testing"
	"time"

	"github.com/patchbay-dev/patchbay/common/commontest"
)

// await waits until a condition holds, for as long as the tests are patient.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(commontest.Patience)
	defer deadline.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
