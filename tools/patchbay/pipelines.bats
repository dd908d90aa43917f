#!/usr/bin/env bats
# patchbay run joins real connectors, and what docs/pipelines.md shows works as it is shown.

load ../../test/helper

# pipeline NAME writes a pipeline file from standard input.
pipeline() { cat >"$SANDBOX/$1.yaml"; }

@test "a pipeline delivers, ends with its source, and keeps its positions out of sight" {
  pipeline numbers <<'YAML'
source: {type: generate-source, parameters: {count: 1000, rate: 0, template: .sequence}}
sink: {type: stdout-sink, transforms: [{map: . * 2}]}
YAML
  run --separate-stderr patchbay run "$SANDBOX/numbers.yaml"
  assert_success
  assert_output "$(seq 2 2 2000)"
  [[ $stderr == *"numbers source: "* && $stderr == *"numbers sink: "* ]] # in either order
  [[ -d $XDG_STATE_HOME/patchbay/pipelines/numbers && ! -e $XDG_STATE_HOME/patchbay/pipelines/numbers/source.json ]]
}

@test "every problem of both sides is told before anything starts" {
  pipeline wrong <<'YAML'
name: wrong
source:
  type: generate-source
  parameters:
    coutn: 3
    rate: fast
sink:
  type: stdout-sink
  transforms:
    - map: .[
sinc: 1
YAML
  run patchbay run "$SANDBOX/wrong.yaml"
  assert_failure 2
  assert_line --partial "wrong.yaml:11:1: sinc: unknown key; did you mean sink?"
  assert_line --regexp 'wrong.yaml:5.*coutn.*did you mean "?count'
  assert_line --regexp 'wrong.yaml:6.*rate|rate.*wrong.yaml:6'
  assert_line --regexp 'wrong.yaml:10.*map|map.*wrong.yaml:10'
  run patchbay validate "$SANDBOX/wrong.yaml"
  assert_failure 2
}

@test "--max-records ends every pipeline of a folder, and JSON logs say whose they are" {
  mkdir "$SANDBOX/all"
  for name in one two; do
    echo "{\"source\":{\"type\":\"generate-source\",\"parameters\":{\"rate\":0}},\"sink\":{\"type\":\"stdout-sink\"}}" >"$SANDBOX/all/$name.json"
  done
  run --separate-stderr patchbay run --max-records 50 --log-format json "$SANDBOX/all"
  assert_success
  assert_equal "${#lines[@]}" 100
  # shellcheck disable=SC2154 # run sets it
  assert_equal "$(jq -r 'select(.side) | .pipeline + " " + .side' <<<"$stderr" | sort -u)" $'one sink\none source\ntwo sink\ntwo source'
}

@test "a source that is started again goes on where it was" {
  seq 10 >"$SANDBOX/in"
  pipeline lines <<YAML
source: {type: file-source, parameters: {path: "$SANDBOX/in"}}
sink: {type: stdout-sink}
YAML
  run --separate-stderr patchbay run --once "$SANDBOX/lines.yaml"
  assert_success
  assert_output "$(seq 10)"
  seq 11 15 >>"$SANDBOX/in"
  run --separate-stderr patchbay run --once "$SANDBOX/lines.yaml"
  assert_success
  assert_output "$(seq 11 15)"
}

@test "the positions of a pipeline are shown and reset by its source, as docs/pipelines.md says" {
  cd "$SANDBOX"
  seq 3 >orders.jsonl
  pipeline orders <<'YAML'
source: {type: file-source, parameters: {path: orders.jsonl}}
sink: {type: stdout-sink}
YAML
  run --separate-stderr patchbay run --once --state positions orders.yaml
  assert_output "$(seq 3)"
  mapfile -t commands < <(grep '^file-source state' "$TEST_ROOT/docs/pipelines.md")
  assert_equal "${#commands[@]}" 2
  run --separate-stderr bash -c "${commands[0]}"
  assert_success
  assert_equal "$(jq -r '.positions | keys[]' <<<"$output")" orders.jsonl
  run bash -c "${commands[1]}"
  assert_success
  run --separate-stderr patchbay run --once --state positions orders.yaml
  assert_output "$(seq 3)"
}

@test "what a sink aggregates goes on where it was, unless the sink has a state of its own" {
  GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build -C "$TEST_ROOT" -trimpath -buildvcs=false -buildmode=c-shared -ldflags '-s -w' \
    -o "$SANDBOX/count.wasm" ./examples/smartmodules/count
  pipeline counted <<YAML
source: {type: generate-source, parameters: {rate: 0, count: 3}}
sink: {type: stdout-sink, transforms: [{uses: "$SANDBOX/count.wasm"}]}
YAML
  run --separate-stderr patchbay run "$SANDBOX/counted.yaml"
  assert_output $'1\n2\n3'
  run --separate-stderr patchbay run "$SANDBOX/counted.yaml"
  assert_output $'4\n5\n6'
  [[ -s $XDG_STATE_HOME/patchbay/pipelines/counted/aggregates.json ]]
  sed -i 's/stdout-sink,/&parameters: {state: none},/' "$SANDBOX/counted.yaml"
  run --separate-stderr patchbay run "$SANDBOX/counted.yaml"
  assert_output $'1\n2\n3'
}

@test "a file arrives at a web server, through kill -9 of both connectors" {
  # nginx knows a body only where it hands it on, here to itself.
  # shellcheck disable=SC2016 # the variables are those of nginx
  start_nginx '
    location = /in { access_log bodies.log body; proxy_pass http://127.0.0.1:$server_port/taken; }
    location = /taken { access_log off; return 204; }
  ' 'log_format body escape=none "$request_body";'
  seq 2000 >"$SANDBOX/in"
  pipeline web <<YAML
source: {type: file-source, parameters: {path: "$SANDBOX/in"}}
sink: {type: http-sink, parameters: {endpoint: "$NGINX_URL/in"}}
YAML
  start web patchbay run "$SANDBOX/web.yaml"
  some() { [[ $(wc -l <"$NGINX_DIR/bodies.log") -gt $1 ]]; }
  wait_until 20 some 100
  pkill -KILL -P "$(<"$SANDBOX/started/web.pid")" http-sink
  wait_until 20 some 500
  pkill -KILL -P "$(<"$SANDBOX/started/web.pid")" file-source
  all() { [[ $(sort -un "$NGINX_DIR/bodies.log" | grep -c .) -eq 2000 ]]; }
  wait_until 30 all
  run stop web
  assert_success
  run grep -c "starting it again" "$(errors web)"
  assert_output 2
}

@test "SIGTERM ends a pipeline cleanly, and with it its connectors" {
  pipeline endless <<'YAML'
source: {type: generate-source, parameters: {rate: 0}}
sink: {type: stdout-sink}
YAML
  start endless patchbay run "$SANDBOX/endless.yaml"
  wait_until 10 test -s "$(output endless)"
  run stop endless
  assert_success
}

@test "the end of patchbay is the end of its connectors" {
  pipeline endless <<'YAML'
source: {type: generate-source, parameters: {rate: 1}}
sink: {type: stdout-sink}
YAML
  start endless patchbay run "$SANDBOX/endless.yaml"
  wait_until 10 grep -q "endless sink: " "$(errors endless)"
  stop endless KILL || true
  wait_until 10 none_left
}

@test "secrets reach the connector and neither the process list nor the log" {
  pipeline secret <<'YAML'
source: {type: http-source, parameters: {endpoint: "http://127.0.0.1:1/"}, secrets: {bearer-token: "${env:TOKEN}"}}
sink: {type: stdout-sink}
YAML
  TOKEN=verysecret start secret patchbay run "$SANDBOX/secret.yaml"
  wait_until 10 grep -q "secret source: " "$(errors secret)"
  run bash -c 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" "\n" | grep -c very[s]ecret'
  assert_output 0
  stop secret || true
  run grep -r verysecret "$(errors secret)" "$XDG_STATE_HOME"
  assert_failure
}

@test "dead letters are kept in a file, and the rest goes on" {
  pipeline dead <<'YAML'
source: {type: generate-source, parameters: {rate: 0, count: 3, template: .sequence}}
sink: {type: stdout-sink, parameters: {on-error: dead-letter}, transforms: [{map: 'if . == 2 then error("two") else . end'}]}
dead_letter: {file: letters.jsonl}
YAML
  run --separate-stderr patchbay run "$SANDBOX/dead.yaml"
  assert_success
  assert_output $'1\n3'
  assert_equal "$(jq -r '[.pipeline, .side, .dead.value] | join(" ")' "$SANDBOX/letters.jsonl")" "dead sink 2"
  sed -i /dead_letter/d "$SANDBOX/dead.yaml"
  run patchbay run "$SANDBOX/dead.yaml"
  assert_failure 2
  assert_output --partial "write dead_letter: {file: PATH}"
}

@test "a source in another language is the source of a pipeline" {
  pipeline shell <<YAML
source: {type: $TEST_ROOT/test/link/source.sh}
sink: {type: stdout-sink}
YAML
  run --separate-stderr patchbay run "$SANDBOX/shell.yaml"
  assert_success
  assert_output "$(seq 5)"
}

@test "metrics of all pipelines are served at one address" {
  pipeline endless <<'YAML'
source: {type: generate-source, parameters: {rate: 0}}
sink: {type: stdout-sink}
YAML
  local port
  port=$(free_port)
  start endless patchbay run --metrics-addr "127.0.0.1:$port" "$SANDBOX/endless.yaml"
  ready() { curl -fsS "http://127.0.0.1:$port/readyz"; }
  wait_until 10 ready
  run curl -fsS "http://127.0.0.1:$port/metrics"
  assert_output --partial 'patchbay_delivered_records_total{name="endless"}'
  stop endless
}

@test "the example of docs/pipelines.md does what it says" {
  cd "$SANDBOX" || return
  awk '/^```yaml/ { on = 1; next } /^```/ { if (on) exit } on' "$TEST_ROOT/docs/pipelines.md" >orders.yaml
  printf '%s\n' '{"id":1,"total":5}' '{"id":2,"total":50}' >orders.jsonl
  run --separate-stderr patchbay run --once orders.yaml
  assert_success
  assert_output '{"id":2,"total":50}'
}
