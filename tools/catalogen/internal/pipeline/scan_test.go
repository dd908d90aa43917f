package pipeline

import "testing"

func TestSpokenIsWhatTheTestItselfSays(t *testing.T) {
	for _, tt := range []struct{ name, detail, want string }{
		{"a Go test", "Failed\n=== RUN   TestRun\n    main_test.go:16: 2 records, want 1\n--- FAIL: TestRun (0.02s)\n", "    main_test.go:16: 2 records, want 1"},
		{"a bats test", "(in test file x.bats, line 7)\n  `assert_success' failed", "(in test file x.bats, line 7)\n  `assert_success' failed"},
		{"a crash", "Failed\n=== RUN   TestRun\npanic: boom\n\ngoroutine 1 [running]:", "panic: boom\n\ngoroutine 1 [running]:"},
		{"nothing", "Failed", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := spoken(tt.detail); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
