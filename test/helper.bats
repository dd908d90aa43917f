#!/usr/bin/env bats
# The helper that every other bats file stands on.

load helper

@test "a test has an empty home and no setting of its user" {
  [[ $HOME == "$BATS_TEST_TMPDIR"/* && $TMPDIR == "$BATS_TEST_TMPDIR"/* && $XDG_RUNTIME_DIR == "$BATS_TEST_TMPDIR"/* ]]
  [[ $XDG_CONFIG_HOME == "$HOME"/* && $XDG_STATE_HOME == "$HOME"/* && $XDG_DATA_HOME == "$HOME"/* ]]
  run ls -A "$HOME"
  assert_output ""
  run stat -c %a "$XDG_RUNTIME_DIR"
  assert_output 700
}

@test "the sandbox unsets PATCHBAY_ variables but the folder of the programs" {
  export PATCHBAY_TOPIC=from-outside PATCHBAY_BIN_DIR=$TMPDIR
  sandbox
  run compgen -v PATCHBAY_
  assert_output PATCHBAY_BIN_DIR
  [[ $PATH == "$TMPDIR":* ]]
}

@test "wait_until returns as soon as the command succeeds" {
  (wait_until 5 test -e "$TMPDIR/release" && touch "$TMPDIR/file") 3>&- &
  touch "$TMPDIR/release"
  wait_until 5 test -e "$TMPDIR/file"
}

@test "wait_until fails and names what it waited for" {
  run wait_until 0 test -e /nowhere
  assert_failure
  assert_output "timed out waiting for: test -e /nowhere"
}

@test "start keeps the two outputs of a command apart" {
  start both bash -c 'echo to-stdout; echo to-stderr >&2'
  wait_until 5 ended both
  assert_equal "$(<"$(output both)")" to-stdout
  assert_equal "$(<"$(errors both)")" to-stderr
}

@test "stop sends TERM and returns the exit status" {
  start tidy bash -c 'trap "exit 7" TERM; echo ready; while :; do read -rt 0.05 <> <(:) || true; done'
  wait_until 5 grep -q ready "$(output tidy)"
  run stop tidy
  assert_failure 7
  run running tidy
  assert_failure
}

@test "stop takes another signal" {
  start sleeper sleep 60
  run stop sleeper KILL
  assert_failure 137
}

@test "stop tells the status of what ended by itself" {
  start brief bash -c 'exit 3'
  wait_until 5 ended brief
  run stop brief
  assert_failure 3
}

@test "free_port gives a port that a server can take" {
  start_nginx 'location / { return 200 "hello\n"; }'
  run curl -fsS "$NGINX_URL/"
  assert_output hello
}

@test "start_nginx takes directives beside the server block and logs to the test's folder" {
  start_nginx 'access_log own.log own; location / { return 204; }' "log_format own '\$request_method \$uri';"
  curl -fsS -X PUT "$NGINX_URL/thing"
  stop nginx
  assert_equal "$(<"$NGINX_DIR/own.log")" "PUT /thing"
}

@test "connector prints the path of a binary that was built" {
  export PATCHBAY_BIN_DIR=$TMPDIR
  install -m 755 /dev/null "$TMPDIR/some-source"
  run connector some-source
  assert_success
  assert_output "$TMPDIR/some-source"
  run connector other-source
  assert_failure
  assert_output "$TMPDIR/other-source is missing: run make build"
}

# inner FILE runs a bats file of its own, as a user would.
inner() {
  printf 'load %q\n%s\n' "$TEST_ROOT/test/helper" "$1" >"$TMPDIR/inner.bats"
  run bats --formatter tap "$TMPDIR/inner.bats"
}

@test "what a test started ends with it" {
  inner '@test "leaves a server" { start sleeper sleep 61; cp "$SANDBOX/started/sleeper.pid" '"$TMPDIR"'; }'
  assert_success
  run kill -0 "$(<"$TMPDIR/sleeper.pid")"
  assert_failure
}

@test "the sandbox's local broker ends with the test" {
  export PATCHBAY_BIN_DIR=$TMPDIR
  printf '#!/bin/sh\necho "$*" >>%s/calls\n' "$TMPDIR" >"$TMPDIR/patchbay"
  chmod +x "$TMPDIR/patchbay"
  inner '@test "had a broker" { touch "$XDG_RUNTIME_DIR/broker.json"; }'
  assert_success
  assert_equal "$(<"$TMPDIR/calls")" "broker stop"
}

@test "a process that outlives its test is killed and fails the test" {
  inner '@test "leaks" { setsid sleep 62 3>&- & echo $! >'"$TMPDIR/pid"'; }'
  assert_failure
  assert_output --partial "left running by the test: sleep 62"
  run kill -0 "$(<"$TMPDIR/pid")"
  assert_failure
}

@test "a failing test shows what its programs logged" {
  inner '@test "fails" { start noisy bash -c "echo the-reason >&2"; wait_until 5 ended noisy; false; }'
  assert_failure
  assert_output --partial "the-reason"
}
