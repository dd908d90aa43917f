#!/usr/bin/env bats
# http-source against a real nginx.
# shellcheck disable=SC2016 # nginx has variables of its own

bats_require_minimum_version 1.5.0
load ../../../test/helper

setup() {
  sandbox
  PROXY_PORT=$(free_port)
  # What a test switches on lies in html: down answers 503, list/N.json are pages that name the next one.
  start_nginx '
    if (-f $document_root/down) { return 503; }
    location = /private.json { auth_basic "private"; auth_basic_user_file users; }
    location = /agent { return 200 $http_user_agent; }
    location = /list { add_header Link $next; default_type application/json; try_files /list/$page.json =404; }
  ' '
    map $arg_page $page { default $arg_page; "" 1; }
    map $page $next { 1 "</list?page=2>; rel=\"next\""; 2 "</list?page=3>; rel=\"next\""; default ""; }
    log_format status "$status"; access_log status.log status;
    server { listen 127.0.0.1:'"$PROXY_PORT"'; access_log proxy.log; location / { proxy_pass $scheme://$http_host; } }
  '
  publish status.json '{"state":"green"}'
}

# publish FILE TEXT makes nginx serve TEXT as FILE, in one step: no poll sees half of it.
publish() {
  mkdir -p "$(dirname "$NGINX_DIR/html/$1")"
  echo "$2" >"$NGINX_DIR/next" && mv "$NGINX_DIR/next" "$NGINX_DIR/html/$1"
}

# poll FLAGS... makes one poll to standard output; follow NAME FLAGS... polls in the background, quickly.
poll() { http-source --once --topic - --start-timeout 1s "$@"; }
follow() { start "$1" http-source --topic - --interval 50ms "${@:2}"; }

# has_lines N FILE succeeds once FILE has N lines or more.
has_lines() { [[ $(wc -l <"$2") -ge $1 ]]; }

# answered STATUS N succeeds once nginx has answered STATUS N times or more.
answered() { [[ $(grep -c "^$1" "$NGINX_DIR/status.log") -ge $2 ]]; }

@test "metadata describes the source" {
  run --separate-stderr http-source metadata
  assert_success
  assert_equal "$(jq -r '[.name, .direction, .resumes, .positions_recur] | join(" ")' <<<"$output")" "http-source source true true"
  assert_equal "$(jq -c '.schema | [.required, .properties.password.writeOnly]' <<<"$output")" '[["endpoint","topic"],true]'
}

@test "every wrong option is told at once, with status 2" {
  run http-source validate --topic - --endpoint example.com --interval 0s --emit often --header broken
  assert_failure 2
  for option in endpoint interval emit header; do
    assert_line --partial -- "--$option:"
  done
}

@test "the commands of the README work" {
  local block=""
  publish list/1.json '[{"id": 1}, {"id": 2}]'
  publish list/2.json '[{"id": 3}]'
  publish list/3.json '[]'
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run --separate-stderr bash -euo pipefail -c "${block//http:\/\/localhost:8080/$NGINX_URL}"
  assert_success
  assert_output $'{"state":"green"}\n{"id":1}\n{"id":2}\n{"id":3}'
}

@test "check says whether the endpoint answers" {
  run http-source check --topic - --endpoint "$NGINX_URL/status.json"
  assert_success
  assert_output "system: ok"
  run http-source check --topic - --endpoint "$NGINX_URL/none"
  assert_failure 1
  assert_line --partial "404 Not Found"
}

@test "it says who it is" {
  run --separate-stderr poll --endpoint "$NGINX_URL/agent" --topic-format raw
  assert_output "patchbay-$(http-source --version | tr ' ' /)"
}

@test "what was not modified is not sent again, by nginx's own ETag" {
  follow source --endpoint "$NGINX_URL/status.json"
  wait_until 10 answered 304 3
  publish status.json '{"state":"orange"}'
  wait_until 10 has_lines 2 "$(output source)"
  wait_until 10 answered 304 5
  run cat "$(output source)"
  assert_output $'{"state":"green"}\n{"state":"orange"}'
  stop source # status 0
}

@test "with --emit always, every poll is a record" {
  follow source --endpoint "$NGINX_URL/status.json" --emit always --max-records 3
  wait_until 10 ended source
  stop source
  run sort "$(output source)"
  assert_output $'{"state":"green"}\n{"state":"green"}\n{"state":"green"}'
  run answered 304 1
  assert_failure
}

@test "a restart goes on where it stopped" {
  local state=file:$SANDBOX/state.json
  run --separate-stderr poll --endpoint "$NGINX_URL/status.json" --state "$state"
  assert_output '{"state":"green"}'
  run --separate-stderr poll --endpoint "$NGINX_URL/status.json" --state "$state"
  assert_success
  assert_output ""
  publish status.json '{"state":"orange"}'
  run --separate-stderr poll --endpoint "$NGINX_URL/status.json" --state "$state"
  assert_output '{"state":"orange"}'
}

@test "on a topic of the local broker it goes on where it stopped, too" {
  http-source --once --topic demo --endpoint "$NGINX_URL/status.json"
  http-source --once --topic demo --endpoint "$NGINX_URL/status.json"
  run cat "$NGINX_DIR/status.log"
  assert_output $'200\n304'
}

@test "state reset has a run on the local broker start over" {
  http-source --once --topic demo --endpoint "$NGINX_URL/status.json"
  run --separate-stderr http-source state show --topic demo
  assert_success
  assert_equal "$(jq -c '[.name, .connector, (.positions | length)]' <<<"$output")" '["http-source-demo","http-source",1]'
  http-source state reset --topic demo
  http-source --once --topic demo --endpoint "$NGINX_URL/status.json"
  run cat "$NGINX_DIR/status.log"
  assert_output $'200\n200'
}

@test "the second of two copies on the local broker waits until the first ends, however it ends" {
  for signal in TERM KILL; do
    start first http-source --topic demo --interval 50ms --endpoint "$NGINX_URL/status.json"
    wait_until 10 bash -c 'http-source state show --topic demo --log-level error | jq -e .holder.alive'
    start second http-source --topic demo --interval 50ms --endpoint "$NGINX_URL/status.json" --start-timeout 1s
    wait_until 10 grep -q "waiting for it to end.*process $(<"$SANDBOX/started/first.pid") on" "$(errors second)"
    run http-source --once --topic demo --endpoint "$NGINX_URL/status.json"
    assert_failure 1
    assert_output --partial "another process uses the same saved position"
    stop first "$signal" || [[ $signal == KILL ]]
    : >"$NGINX_DIR/status.log"
    wait_until 10 answered 304 1 # by the second, which knows what the first has seen
    running second
    stop second
  done
}

@test "a restart after kill -9 sends nothing twice that was saved" {
  local state=file:$SANDBOX/state.json
  follow source --endpoint "$NGINX_URL/status.json" --state "$state"
  wait_until 10 grep -q sha256 "$SANDBOX/state.json"
  stop source KILL || true
  run --separate-stderr poll --endpoint "$NGINX_URL/status.json" --state "$state"
  assert_output ""
}

@test "the position of one endpoint is not used for another" {
  local state=file:$SANDBOX/state.json
  poll --endpoint "$NGINX_URL/status.json" --state "$state"
  run poll --endpoint "$NGINX_URL/other.json" --state "$state"
  assert_failure 2
  assert_output --partial "choose another --name"
}

@test "an outage is waited for" {
  touch "$NGINX_DIR/html/down"
  follow source --endpoint "$NGINX_URL/status.json"
  wait_until 10 grep -q "503 Service Temporarily Unavailable\|503 Service Unavailable" "$(errors source)"
  rm "$NGINX_DIR/html/down"
  wait_until 10 has_lines 1 "$(output source)"
  touch "$NGINX_DIR/html/down"
  wait_until 10 answered 503 3
  publish status.json '{"state":"orange"}'
  rm "$NGINX_DIR/html/down"
  wait_until 20 has_lines 2 "$(output source)"
  stop source
}

@test "an outage of nginx itself is waited for" {
  follow source --endpoint "$NGINX_URL/status.json" --emit always
  wait_until 10 has_lines 1 "$(output source)"
  stop nginx
  wait_until 10 grep -q "connection refused" "$(errors source)"
  start nginx nginx -e error.log -p "$NGINX_DIR" -c nginx.conf
  local before
  before=$(wc -l <"$(output source)")
  wait_until 20 has_lines $((before + 1)) "$(output source)"
  stop source
}

@test "an endpoint that never answers well is status 1" {
  touch "$NGINX_DIR/html/down"
  run http-source --topic - --start-timeout 500ms --endpoint "$NGINX_URL/status.json?token=hush"
  assert_failure 1
  assert_line --index -1 --regexp "^http-source: .*GET $NGINX_URL/status.json: the server answered 503"
  refute_output --partial hush
}

@test "basic authentication, with the password in the environment" {
  echo 'ann:{PLAIN}open sesame' >"$NGINX_DIR/users"
  publish private.json '"private"'
  HTTP_SOURCE_PASSWORD='open sesame' run --separate-stderr poll --endpoint "$NGINX_URL/private.json" --username ann
  assert_success
  assert_output '"private"'
  HTTP_SOURCE_PASSWORD='open barley' run poll --endpoint "$NGINX_URL/private.json" --username ann
  assert_failure 1
  assert_line --partial "401 Unauthorized"
  refute_output --partial barley
}

@test "a config file may hold the secrets" {
  echo 'ann:{PLAIN}open sesame' >"$NGINX_DIR/users"
  publish private.json '"private"'
  cat >"$SANDBOX/config.yaml" <<YAML
topic: "-"
parameters:
  endpoint: $NGINX_URL/private.json
  username: ann
  once: true
secrets:
  password: open sesame
YAML
  run --separate-stderr http-source --config "$SANDBOX/config.yaml"
  assert_output '"private"'
}

@test "a proxy is used" {
  run --separate-stderr poll --endpoint "$NGINX_URL/status.json" --proxy "http://127.0.0.1:$PROXY_PORT"
  assert_output '{"state":"green"}'
  grep -q "GET $NGINX_URL/status.json" "$NGINX_DIR/proxy.log"
}

@test "full records tell status and headers" {
  run --separate-stderr poll --endpoint "$NGINX_URL/status.json" --output-parts full --output-type json
  assert_success
  assert_equal "$(jq -c '[.status, .headers["content-length"], .body]' <<<"$output")" '[200,"18",{"state":"green"}]'
}

@test "a stop while it waits is a clean one" {
  follow source --endpoint "$NGINX_URL/status.json" --interval 1h
  wait_until 10 has_lines 1 "$(output source)"
  stop source
}
