#!/usr/bin/env bats
# patchbay vanus runs real connectors with the configuration of Vanus Connect, and docs/vanus.md works as it is shown.

load ../../test/helper

# vanus NAME CONNECTOR [FLAGS] starts a connector with the configuration on standard input.
vanus() {
  cat >"$SANDBOX/$1.yml"
  CONNECTOR_CONFIG=$SANDBOX/$1.yml start "$1" patchbay vanus -- "${@:2}"
}

# event ID DATA posts an event in the binary mode, and prints the answer and the status.
event() {
  curl -sS -w ' %{http_code}\n' -d "$2" -H 'ce-specversion: 1.0' -H "ce-id: $1" -H 'ce-source: /test' -H 'ce-type: test' "http://127.0.0.1:$PORT/"
}

setup() {
  sandbox
  PORT=$(free_port)
}

@test "a sink answers each event with what became of it" {
  vanus sink stdout-sink <<<"port: $PORT"
  wait_until 10 event 1 hello
  run event 2 '{"a":1}'
  assert_output "accepted 200"
  run curl -sS -w ' %{http_code}' -H 'content-type: application/cloudevents+json' "http://127.0.0.1:$PORT/any" \
    -d '{"specversion":"1.0","id":"3","source":"/test","type":"test","data":[3]}'
  assert_output "accepted 200"
  run curl -sS -w ' %{http_code}' -d hello "http://127.0.0.1:$PORT/"
  assert_output --regexp 'specversion.* 400$'
  run stop sink
  assert_success
  assert_equal "$(<"$(output sink)")" $'hello\n{"a":1}\n[3]'
}

@test "a sink refuses an event and goes on" {
  vanus sink stdout-sink <<YAML
port: $PORT
map: 'if . == "bad" then error("no good") else . end'
YAML
  wait_until 10 event 1 hello
  run event 2 bad
  assert_output --regexp 'no good.* 422$'
  run event 3 good
  assert_output "accepted 200"
}

@test "a source sends its events to nginx, three attempts and the end" {
  # nginx knows a body only where it hands it on, here to itself.
  # shellcheck disable=SC2016 # the variables are those of nginx
  start_nginx '
    location = /in { access_log bodies.log body; proxy_pass http://127.0.0.1:$server_port/taken; }
    location = /taken { access_log off; return 204; }
    location = /broken { access_log broken.log; return 500; }
  ' 'log_format body escape=none "$http_content_type $request_body";'
  seq 5 >"$SANDBOX/in"
  vanus good file-source --once <<YAML
target: $NGINX_URL/in
path: $SANDBOX/in
YAML
  wait_until 10 ended good
  run stop good
  assert_success
  run cut -d ' ' -f 1 "$NGINX_DIR/bodies.log"
  assert_line --index 4 "application/cloudevents+json"
  assert_equal "$(sed 's/^[^ ]* //' "$NGINX_DIR/bodies.log" | jq -c '[.specversion, .source, .data]' | head -1)" '["1.0","file-source",1]'
  vanus bad file-source <<YAML
target: $NGINX_URL/broken
path: $SANDBOX/in
YAML
  wait_until 20 ended bad
  run stop bad
  assert_failure 1
  assert_equal "$(wc -l <"$NGINX_DIR/broken.log")" 3
  run tail -n 1 "$(errors bad)"
  assert_output --partial "500 Internal Server Error (attempt 3 of 3)"
}

@test "what is wrong with a configuration is told in a line each, without secrets" {
  cat >"$SANDBOX/config.yml" <<'YAML'
store_config: {type: redis}
url: http://127.0.0.1/
secret: {bearer-token: verysecret}
YAML
  cd "$SANDBOX" || return
  run patchbay vanus -- http-source
  assert_failure 2
  assert_output --partial "config.yml:1: store_config.type: \"redis\" is none of memory, file and etcd"
  assert_output --partial "target: there is none"
  CONNECTOR_TARGET=http://127.0.0.1/ run patchbay vanus -- http-source
  sed -i 1d config.yml
  CONNECTOR_TARGET=http://127.0.0.1/ run patchbay vanus -- http-source
  assert_failure 2
  assert_output --partial 'unknown option "url"'
  refute_output --partial verysecret
  run patchbay vanus -- htp-source
  assert_failure 2
  assert_output --partial "did you mean http-source?"
}

@test "a file arrives through kill -9 of the connector, and a change of the configuration under load" {
  vanus sink stdout-sink <<<"port: $PORT"
  wait_until 10 event 1 0
  seq 3000 >"$SANDBOX/in"
  config() {
    printf '%s\n' "target: http://127.0.0.1:$PORT/" "path: $SANDBOX/in" "send_event_attempts: $1" \
      "store_config: {type: file, store_file: $SANDBOX/store.json}"
  }
  some() { [[ $(wc -l <"$(output sink)") -gt $1 ]]; }
  vanus source file-source < <(config 0)
  wait_until 20 some 100
  pkill -KILL -P "$(<"$SANDBOX/started/source.pid")" file-source
  wait_until 20 some 600
  pkill -KILL -P "$(<"$SANDBOX/started/sink.pid")" stdout-sink
  wait_until 20 some 1000
  run stop source
  assert_success
  vanus source file-source < <(config 5)
  all() { [[ $(sort -un "$(output sink)" | grep -c .) -eq 3001 ]]; }
  wait_until 30 all
  run stop source
  assert_success
}

@test "the end of patchbay is the end of its connector" {
  vanus sink stdout-sink <<<"port: $PORT"
  wait_until 10 event 1 hello
  stop sink KILL || true
  wait_until 10 none_left
}

@test "positions are kept in etcd" {
  command -v etcd >/dev/null || skip "etcd is not installed: apt-get install etcd-server"
  start_etcd
  vanus sink stdout-sink <<<"port: $PORT"
  wait_until 10 event 1 0
  seq 3 >"$SANDBOX/in"
  for last in 3 5; do
    seq "$last" >"$SANDBOX/in.new" && cat "$SANDBOX/in.new" >"$SANDBOX/in"
    vanus source file-source --once <<YAML
target: http://127.0.0.1:$PORT/
path: $SANDBOX/in
store_config: {type: etcd, endpoints: ["${ETCD_URL#http://}"], key_prefix: /vanus}
YAML
    wait_until 10 ended source
    run stop source
    assert_success
  done
  run stop sink
  assert_equal "$(<"$(output sink)")" $'0\n1\n2\n3\n4\n5'
  run curl -fsS "$ETCD_URL/v3/kv/range" -d "{\"key\":\"$(printf /vanus/file-source | base64)\"}"
  assert_output --partial '"count":"1"'
}

@test "the example of docs/vanus.md does what it says" {
  cd "$SANDBOX" || return
  block() { awk -v want="$1" '/^```(yaml|sh)/ { n++; on = n == want; next } /^```/ { on = 0 } on' "$TEST_ROOT/docs/vanus.md" | sed "s/8080/$PORT/"; }
  block 1 >sink.yml
  block 2 >source.yml
  block 3 >commands
  # The first command is left running, as in a terminal.
  CONNECTOR_CONFIG=sink.yml start sink bash -c "exec $(sed -n '1s/^[^ ]* \(.*\) &$/\1/p' commands)"
  wait_until 10 port_answers "$PORT"
  run --separate-stderr bash -ec "$(sed 1d commands)"
  assert_success
  assert_line --index 0 --partial accepted
  run stop sink
  assert_success
  assert_equal "$(<"$(output sink)")" $'hello\n{"n":1}\n{"n":2}\n{"n":3}'
}
