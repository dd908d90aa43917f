#!/usr/bin/env bats
# patchbay connect runs real connectors as a Synadia Connect agent would have it, and docs/connect.md is right. The broker and
# the connectors at its other end are peers on NATS; they know nothing of the platform.

load ../../test/helper

setup() {
  sandbox
  start broker patchbay broker
  wait_until 10 patchbay broker status
  NATS=$(patchbay broker status --json | jq -r .url)
  export NEX_WORKLOAD_NATS_SERVERS=$NATS NEX_WORKLOAD_GROUP=orders NEX_WORKLOAD_NAMESPACE=shop NEX_WORKLOAD_ID=1 CONNECT_LOG_LEVEL=info
  export PATCHBAY_BROKER=$NATS # of the peers
}

# steps prints the argument for the steps on standard input.
steps() { base64 -w 0; }

# outlet NAME STEPS starts an outlet and waits until it listens.
outlet() {
  start "$1" patchbay connect "$(steps <<<"$2")"
  wait_until 10 grep -q msg=starting "$(errors "$1")"
}

# plain is the broker's address for plain subjects.
plain() { echo "${NATS/nats:/nats+core:}"; }

@test "an inlet publishes what a source sends" {
  PATCHBAY_BROKER=$(plain) start peer stdout-sink --topic numbers --max-records 3
  wait_until 10 grep -q msg=starting "$(errors peer)"
  run --separate-stderr patchbay connect "$(steps <<<'
source: {type: generate, config: {count: 3, rate: 0, template: .sequence}}
producer: {core: {subject: numbers}}')"
  assert_success
  assert_output ''
  wait_until 10 ended peer
  run cat "$(output peer)"
  assert_output $'1\n2\n3'
}

@test "an outlet writes what comes, in both shapes of the steps" {
  outlet out '
description: older shape
runtime_id: patchbay
steps:
  consumer: {core: {subject: "in.*", queue: q}}
  sink: {type: stdout_sink}'
  PATCHBAY_BROKER=$(plain) generate-source --topic in.a --count 3 --rate 0 --template .sequence
  wait_until 10 grep -qx 3 "$(output out)"
  run stop out
  assert_success
  run cat "$(output out)"
  assert_output $'1\n2\n3'
}

@test "what is wrong is one line" {
  for arguments in '' 'a b'; do
    # shellcheck disable=SC2086 # these are words
    run patchbay connect $arguments
    assert_failure 1
    assert_output 'Usage: patchbay connect CONFIG'
  done
  run patchbay connect '***'
  assert_failure 1
  assert_output 'FATAL: the configuration is not base64 (standard alphabet, with padding)'
  run patchbay connect "$(steps <<<'
source: {type: generate, config: {coutn: 3, rate: fast}}
producer: {core: {subject: a}}')"
  assert_failure 1
  assert_equal "${#lines[@]}" 1
  assert_line 'FATAL: source.config: --rate: expected a number, got the text "fast"; unknown option "coutn"; did you mean "count"?'
  run patchbay connect "$(steps <<<'
source: {type: generate}
producer: {core: {subject: a}}
transformer: {mapping: {sourcecode: "root = this.uppercase()"}}')"
  assert_failure 1
  assert_line --regexp '^FATAL: transformer.mapping.sourcecode is Bloblang, which is not run here; write it in jq'
}

@test "a stream feeds a web server through kill -9 of the sink, and a change of the steps under load" {
  # nginx knows a body only where it hands it on, here to itself.
  # shellcheck disable=SC2016 # the variables are those of nginx
  start_nginx '
    location = /in { access_log bodies.log body; proxy_pass http://127.0.0.1:$server_port/taken; }
    location = /taken { access_log off; return 204; }
  ' 'log_format body escape=none "$request_body";'
  start peer generate-source --topic numbers --count 3000 --rate 1500 --template .sequence
  wait_until 10 grep -q msg=starting "$(errors peer)"
  local all="
consumer: {stream: {subject: numbers}}
sink: {type: http, config: {endpoint: '$NGINX_URL/in'}}"
  made() { patchbay broker status | grep -q numbers; }
  wait_until 10 made
  outlet out "$all"
  some() { [[ $(wc -l <"$NGINX_DIR/bodies.log") -gt $1 ]]; }
  wait_until 20 some 200
  pkill -KILL -P "$(<"$SANDBOX/started/out.pid")" http-sink
  wait_until 20 some 600
  run grep -c "starting it again" "$(errors out)"
  refute_output 0
  run stop out
  assert_success
  outlet out "$all
transformer: {mapping: {sourcecode: .}}"
  complete() { [[ $(sort -un "$NGINX_DIR/bodies.log" | grep -c .) -eq 3000 ]]; }
  wait_until 30 complete
  run stop out
  assert_success
}

@test "a source that is started again goes on where it was" {
  seq 5 >"$SANDBOX/in"
  generate-source --topic lines --count 1 --rate 0 --template '"made"' # and with it the stream
  inlet() {
    patchbay connect "$(steps <<<"
source: {type: file, config: {path: '$SANDBOX/in', max_records: $1}}
producer: {stream: {subject: lines}}")"
  }
  run inlet 5
  assert_success
  seq 6 8 >>"$SANDBOX/in"
  run inlet 3
  assert_success
  run --separate-stderr stdout-sink --topic lines --once
  assert_output "\"made\"
$(seq 8)"
}

@test "the end of patchbay is the end of its connector" {
  outlet out '
consumer: {core: {subject: in}}
sink: {type: stdout}'
  stop out KILL || true
  no_sink() { ! pgrep -u "$UID" -f "^$PATCHBAY_BIN_DIR/stdout-sink .*--name shop-orders"; }
  wait_until 10 no_sink
  # What kill -9 has left is gone with the next start, even of one that fails.
  options() { find "$TMPDIR" -mindepth 1 -path '*/patchbay-connect-*'; }
  run options
  assert_output --partial shop-orders.json
  run patchbay connect "$(steps <<<'{source: {type: no}, producer: {core: {subject: a}}}')"
  assert_failure 1
  run options
  assert_output ''
}

@test "secrets reach the connector and neither its command line, its environment nor the log" {
  start in env NEX_WORKLOAD_NATS_NKEY=verysecretseed patchbay connect "$(steps <<<'
source: {type: http, config: {endpoint: "http://127.0.0.1:1/", bearer_token: verysecrettoken}}
producer: {nats: {url: "'"$NATS"'"}, core: {subject: a}}')"
  child() { pgrep -P "$(<"$SANDBOX/started/in.pid")" http-source; }
  wait_until 10 child
  run bash -c "tr '\0' '\n' <'/proc/$(child)/cmdline'; tr '\0' '\n' <'/proc/$(child)/environ'"
  refute_output --partial verysecret
  stop in || true
  run cat "$(errors in)"
  refute_output --partial verysecret
  run find "$TMPDIR" -mindepth 1 -name 'patchbay-connect-*'
  assert_output ''
}

@test "the example of docs/connect.md does what it says" {
  start_nginx 'location = /prices { default_type application/json; return 200 "{\"id\":7,\"price\":2,\"count\":3}"; }'
  awk '/^```yaml/ { on = 1; next } /^```/ { if (on) exit } on' "$TEST_ROOT/docs/connect.md" |
    sed "s|http://127.0.0.1:8080|$NGINX_URL|" >"$SANDBOX/steps.yaml"
  PATCHBAY_BROKER=$(plain) start peer stdout-sink --topic prices --max-records 1
  wait_until 10 grep -q msg=starting "$(errors peer)"
  cd "$SANDBOX" || return
  awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on' "$TEST_ROOT/docs/connect.md" | grep '^patchbay' >command.sh
  start in bash -c "exec $(<command.sh)"
  wait_until 15 ended peer
  run cat "$(output peer)"
  assert_output '{"id":7,"total":6}'
  run stop in
  assert_success
}
