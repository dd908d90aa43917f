#!/usr/bin/env bats
# patchbay kps serves real connectors to a platform that is played by a program of its own, and what docs/kps.md shows works as
# it is shown.

load ../../test/helper

setup_file() {
  sandbox
  (cd "$TEST_ROOT" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$BATS_FILE_TMPDIR/platform" ./tools/patchbay/internal/kps/testdata/platform)
}

setup() {
  sandbox
  PATH=$BATS_FILE_TMPDIR:$PATH
  start broker platform broker
  wait_until 10 test -s "$(output broker)"
  NATS_BROKER=$(<"$(output broker)")
  export NATS_BROKER CONNECTOR_INSTANCE_ID=sensors
}

# serve WORDS... starts patchbay kps on a free port and sets ADDRESS.
serve() {
  start kps patchbay kps --listen 127.0.0.1:0 "$@"
  wait_until 10 grep -q 'address=' "$(errors kps)"
  ADDRESS=$(sed -n 's/.* address=\([^ ]*\).*/\1/p' "$(errors kps)")
}

# payload DIRECTION ID METADATA prints a stream on the channel ID.
payload() {
  printf '{"stream": {"id": "%s", "direction": "STREAM_DIRECTION_%s", "transportChannel": "%s", "metadata": %s}}' "$2" "$1" "$2" "$3"
}

# set_payload PAYLOAD... sends a SetPayload, and fails if the answer is not OK.
set_payload() {
  local IFS=,
  run platform set "$ADDRESS" <<<"{\"connectorId\": \"sensors\", \"payloads\": [$*]}"
  assert_success
  [[ $(jq -r .status.code <<<"$output") == RESPONSE_CODE_OK ]]
}

# is ID STATE succeeds if the newest status of a stream is STATE.
is() {
  [[ $(platform events "$ADDRESS" sensors | jq -r --arg id "$1" '[.eventPayloads[].status | select(.streamId == $id)][-1].state') == "STATE_$2" ]]
}

# listen SUBJECT prints what comes on a subject to $(output SUBJECT).
listen() {
  start "$1" platform listen "$NATS_BROKER" "$1"
  wait_until 10 grep -q listening "$(errors "$1")"
}

@test "a file arrives on its channel, once, through a restart" {
  seq 1000 >"$SANDBOX/in"
  listen numbers
  serve -- file-source
  set_payload "$(payload INGRESS numbers "{\"path\": \"$SANDBOX/in\"}")"
  all() { [[ $(wc -l <"$(output numbers)") -ge $1 ]]; }
  wait_until 20 all 1000
  wait_until 10 is numbers HEALTHY
  run stop kps
  assert_success
  seq 1001 1500 >>"$SANDBOX/in"
  serve -- file-source
  set_payload "$(payload INGRESS numbers "{\"path\": \"$SANDBOX/in\"}")"
  wait_until 20 all 1500
  diff <(seq 1500) "$(output numbers)"
}

@test "a channel arrives at a web server, through kill -9 of the connector" {
  # nginx knows a body only where it hands it on, here to itself.
  # shellcheck disable=SC2016 # the variables are those of nginx
  start_nginx '
    location = /in { access_log bodies.log body; proxy_pass http://127.0.0.1:$server_port/taken; }
    location = /taken { access_log off; return 204; }
  ' 'log_format body escape=none "$request_body";'
  serve -- http-sink
  set_payload "$(payload EGRESS posts "{\"endpoint\": \"$NGINX_URL/in\"}")"
  wait_until 10 is posts HEALTHY
  seq 2000 | platform send "$NATS_BROKER" posts
  some() { [[ $(wc -l <"$NGINX_DIR/bodies.log") -gt 100 ]]; }
  wait_until 20 some
  pkill -KILL -P "$(<"$SANDBOX/started/kps.pid")" http-sink
  all() { [[ $(sort -un "$NGINX_DIR/bodies.log" | grep -c .) -eq 2000 ]]; }
  wait_until 30 all
}

@test "what a stream's sink aggregates goes on through a restart" {
  GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build -C "$TEST_ROOT" -trimpath -buildvcs=false -buildmode=c-shared -ldflags '-s -w' \
    -o "$SANDBOX/count.wasm" ./examples/smartmodules/count
  # shellcheck disable=SC2016 # the variables are those of nginx
  start_nginx '
    location = /in { access_log bodies.log body; proxy_pass http://127.0.0.1:$server_port/taken; }
    location = /taken { access_log off; return 204; }
  ' 'log_format body escape=none "$request_body";'
  counted() { [[ $(xargs <"$NGINX_DIR/bodies.log") == "$1" ]]; }
  for expected in "1 2 3" "1 2 3 4 5 6"; do
    serve -- http-sink
    set_payload "$(payload EGRESS posts "{\"endpoint\": \"$NGINX_URL/in\", \"map\": \"$SANDBOX/count.wasm\"}")"
    wait_until 10 is posts HEALTHY
    seq 3 | platform send "$NATS_BROKER" posts
    wait_until 10 counted "$expected"
    run stop kps
    assert_success
  done
}

@test "a config that changes while records flow loses none" {
  listen made
  serve -- generate-source
  set_payload "$(payload INGRESS made '{"count": 2000}')" '{"config": {"metadata": {"rate": 500, "template": ".sequence"}}}'
  wait_until 10 is made HEALTHY
  set_payload '{"config": {"metadata": {"rate": 0, "template": "\"x\\(.sequence)\""}}}'
  # generate-source keeps no position: the second one makes all of its own.
  all() { [[ $(grep -c '^"x' "$(output made)") -eq 2000 ]]; }
  wait_until 20 all
  grep -v '^"x' "$(output made)" >"$SANDBOX/before"
  diff <(seq "$(wc -l <"$SANDBOX/before")") "$SANDBOX/before"
}

@test "streams that nats-source discovers are offered, and one that is wanted flows" {
  local url
  generate-source --topic orders --rate 0 --count 3 --template .sequence --log-level error # on the local broker
  url=$(patchbay broker status --json | jq -r '.url | ltrimstr("nats://")')
  export NATS_SOURCE_NATS_TOKEN=${url%@*}
  listen numbers
  serve -- nats-source --nats-url "nats://${url#*@}"
  offered() { platform get "$ADDRESS" sensors STREAM | jq -c '.payloads[].stream | [.id, .direction, .discovered, .subscribed, .metadata]'; }
  assert_equal "$(offered)" '["orders","STREAM_DIRECTION_INGRESS",true,null,{"stream":"orders"}]'
  set_payload "$(payload INGRESS orders '{"stream": "orders"}' | jq -c '.stream.transportChannel = "numbers"')"
  all() { [[ $(wc -l <"$(output numbers)") -eq 3 ]]; }
  wait_until 10 all
  assert_equal "$(offered)" '["orders","STREAM_DIRECTION_INGRESS",true,true,{"stream":"orders"}]'
}

@test "bad options fail one stream, with the connector's words, and a request for another connector nothing" {
  serve -- generate-source
  set_payload "$(payload INGRESS good '{}')" "$(payload INGRESS bad '{"coutn": 3}')"
  wait_until 10 is bad FAILED
  wait_until 10 is good HEALTHY
  run platform events "$ADDRESS" sensors
  assert_output --partial 'did you mean \"count\"?'
  run platform set "$ADDRESS" <<<'{"connectorId": "other"}'
  assert_output --partial RESPONSE_CODE_INVALID_ARGUMENT
  is good HEALTHY
}

@test "the end of patchbay is the end of its connectors" {
  serve -- generate-source
  set_payload "$(payload INGRESS made '{}')"
  wait_until 10 is made HEALTHY
  stop kps KILL || true
  stop broker
  wait_until 10 none_left
}

@test "wrong usage is told in one line" {
  run patchbay kps -- generate-sauce
  assert_failure 2
  assert_output --partial "did you mean generate-source?"
  run env -u CONNECTOR_INSTANCE_ID patchbay kps -- generate-source
  assert_failure 2
  assert_output --partial CONNECTOR_INSTANCE_ID
}

@test "the example of docs/kps.md does what it says" {
  # shellcheck disable=SC2016 # the variables are those of nginx
  start_nginx '
    location = /in { access_log bodies.log body; proxy_pass http://127.0.0.1:$server_port/taken; }
    location = /taken { access_log off; return 204; }
  ' 'log_format body escape=none "$request_body";'
  listen made.in
  block() { awk -v head="^\`\`\`$1" '$0 ~ head { on = 1; next } /^```/ { if (on) exit } on' "$TEST_ROOT/docs/kps.md"; }
  block sh | sed "s|nats://127.0.0.1:4222|$NATS_BROKER|; s|127.0.0.1:8000|127.0.0.1:0|; s|^patchbay|exec patchbay|" >"$SANDBOX/command"
  start kps bash "$SANDBOX/command"
  wait_until 10 grep -q 'address=' "$(errors kps)"
  ADDRESS=$(sed -n 's/.* address=\([^ ]*\).*/\1/p' "$(errors kps)")
  block json | sed "s|http://127.0.0.1:9000|$NGINX_URL|" >"$SANDBOX/request"
  run platform set "$ADDRESS" <"$SANDBOX/request"
  assert_output --partial RESPONSE_CODE_OK
  wait_until 10 is posted HEALTHY
  echo hello | platform send "$NATS_BROKER" posted.out
  wait_until 10 grep -qx hello "$NGINX_DIR/bodies.log"
  some() { [[ $(wc -l <"$(output made.in)") -ge 100 ]]; }
  wait_until 20 some
  diff <(seq 100) <(head -n 100 "$(output made.in)")
}
