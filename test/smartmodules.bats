#!/usr/bin/env bats
# SmartModules as transforms of real connectors: the commands of docs/smartmodules.md, and what becomes of records.

load helper

setup_file() {
  sandbox
  export GUESTS=$SANDBOX/guests
  mkdir "$GUESTS"
  local name
  cd "$TEST_ROOT" || return
  for name in mask contains count dedup; do
    GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build -trimpath -buildvcs=false -buildmode=c-shared -ldflags '-s -w' \
      -o "$GUESTS/$name.wasm" "./examples/smartmodules/$name"
  done
}

setup() {
  sandbox
  # Compiled once for the file, as on a user's machine.
  export XDG_CACHE_HOME=$BATS_FILE_TMPDIR/cache
  cd "$GUESTS" || return
}

# generate FLAGS... prints three records without log lines.
generate() { generate-source --topic - --rate 0 --max-records 3 --log-level error "$@"; }

@test "the commands of the documentation work" {
  local block=""
  # shellcheck disable=SC2016 # the backquotes are those of the page
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$TEST_ROOT/docs/smartmodules.md")
  [[ -n $block ]]
  bash -euo pipefail -c "$block" >"$SANDBOX/out"
  assert_equal "$(jq -sc 'map([.sequence, .random])' "$SANDBOX/out")" '[[1,"***"],[2,"***"],[3,"***"],[1,"***"],[2,"***"],[3,"***"],[7,"***"]]'
}

@test "a module changes records" {
  run --separate-stderr generate-source --topic - --max-records 3 --map mask.wasm --param fields=random,time
  assert_success
  assert_equal "$(jq -sc 'map([.sequence, .random, .time])' <<<"$output")" '[[1,"***","***"],[2,"***","***"],[3,"***","***"]]'
}

@test "a module of the bare interface drops records" {
  run generate-source --topic - --rate 0 --count 30 --log-level error --template .sequence --filter contains.wasm --param text=3
  assert_output $'3\n13\n23\n30'
}

@test "modules and expressions stand in one chain, and parameters come from a config file" {
  cat >"$SANDBOX/config.yaml" <<'YAML'
topic: "-"
parameters: {rate: 0, count: 20, log-level: error}
transforms:
  - uses: contains.wasm
    with: {text: '"sequence":1'}
  - map: '{n: .sequence, secret: .random}'
  - map: mask.wasm
    with: {fields: secret}
  - filter: '.n > 17'
YAML
  run generate-source --config "$SANDBOX/config.yaml"
  assert_output $'{"n":18,"secret":"***"}\n{"n":19,"secret":"***"}'
}

@test "a sink gives a module many records at once, and every one is written" {
  generate-source --topic demo --rate 0 --count 1000 --template '{sequence, secret: random}' --log-level error
  run --separate-stderr stdout-sink --topic demo --once --log-level error --map mask.wasm --param fields=secret
  assert_success
  assert_equal "$(jq -s 'map(select(.secret == "***").sequence) == [range(1; 1001)]' <<<"$output")" true
}

@test "a record that a module refuses goes to the error policy, the others go on" {
  run generate --template 'if .sequence == 2 then "text" else {sequence} end' --map mask.wasm --param fields=x
  assert_failure 1
  assert_line --partial "mask.wasm: the module says: the record is not a JSON object"
  run --separate-stderr generate-source --topic - --rate 0 --count 3 --log-level error --on-error skip \
    --template 'if .sequence == 2 then "text" else .sequence | {n: .} end' --map mask.wasm --param fields=x
  assert_output $'{"n":1}\n{"n":3}'
}

@test "what is wrong with a module is status 2 and one line" {
  run generate --map missing.wasm
  assert_failure 2
  assert_output "generate-source: --map: missing.wasm: no such file or directory"
  run generate --filter mask.wasm
  assert_failure 2
  assert_output "generate-source: --filter: mask.wasm: the module exports map, which goes with --map"
  run generate --map mask.wasm
  assert_failure 2
  assert_line --partial "the parameter fields is missing"
  run generate --map . --param a=b
  assert_failure 2
  assert_output --partial "--param: has no effect without a SmartModule"
  echo '(module)' >"$SANDBOX/text.wasm"
  run generate --map "$SANDBOX/text.wasm"
  assert_failure 2
  assert_output --partial "not a WebAssembly module"
}

@test "validate checks a module without running it" {
  run generate-source validate --topic - --map mask.wasm
  assert_success
  run generate-source validate --topic - --arraymap mask.wasm
  assert_failure 2
}

@test "compiled code is kept, and not needed" {
  generate --filter contains.wasm --param text=1 >/dev/null
  [[ -n $(find "$XDG_CACHE_HOME/patchbay/smartmodules/$(sha256sum contains.wasm | cut -d ' ' -f 1)" -type f) ]]
  XDG_CACHE_HOME=/dev/null/none run generate --filter contains.wasm --param text=sequence
  assert_success
  assert_equal "${#lines[@]}" 3
}

@test "kill -9 makes an aggregate neither forget nor count twice" {
  count() { file-source --path "$SANDBOX/app.log" --poll-interval 50ms --topic - --state "file:$SANDBOX/state.json" --map count.wasm "$@"; }
  counted() { file-source state show --state "file:$SANDBOX/state.json" | jq -e '[.aggregates[]] | length == 1 and (.[0] | tonumber) > 100'; }
  seq 1 20000 >"$SANDBOX/app.log"
  start first file-source --path "$SANDBOX/app.log" --poll-interval 50ms --topic - --state "file:$SANDBOX/state.json" --map count.wasm
  wait_until 20 counted
  seq 20001 20100 >>"$SANDBOX/app.log"
  stop first KILL || true
  seq 20101 20200 >>"$SANDBOX/app.log"
  run --separate-stderr count --once
  assert_success
  # What was counted but not saved is counted again, to the same numbers.
  seq 1 20200 >"$SANDBOX/written"
  { cat "$SANDBOX/started/first.out" && echo && echo "$output"; } | grep . | sort -nu | diff "$SANDBOX/written" -
  assert_equal "$(file-source state show --state "file:$SANDBOX/state.json" | jq -c '[.aggregates[]]')" '["20200"]'
  # A reset forgets the number with the position.
  file-source state reset --state "file:$SANDBOX/state.json" >/dev/null
  run --separate-stderr count --once
  assert_equal "$(sed -n '1p;$p' <<<"$output")" $'1\n20200'
}

@test "an aggregate begins with its initial value where nothing is saved" {
  run --separate-stderr generate --map count.wasm --initial 40
  assert_output $'41\n42\n43'
  printf 'topic: "-"\ntransforms: [{uses: count.wasm, initial: 7}, {uses: count.wasm}]\n' >"$SANDBOX/config.yaml"
  run --separate-stderr generate --config "$SANDBOX/config.yaml"
  assert_output $'1\n2\n3'
  printf 'topic: "-"\ntransforms: [{filter: "true"}, {uses: count.wasm, initial: 7}]\n' >"$SANDBOX/config.yaml"
  run --separate-stderr generate --config "$SANDBOX/config.yaml" --initial 40
  assert_output $'8\n9\n10'
  # What is saved wins, until it is forgotten.
  count() { file-source --path "$SANDBOX/app.log" --topic - --once --log-level error --state "file:$SANDBOX/state.json" --map count.wasm --initial "$1"; }
  seq 2 >"$SANDBOX/app.log"
  run --separate-stderr count 40
  assert_output $'41\n42'
  seq 3 >"$SANDBOX/app.log"
  run --separate-stderr count 90
  assert_output 43
  file-source state reset --state "file:$SANDBOX/state.json" >/dev/null
  run --separate-stderr count 90
  assert_output $'91\n92\n93'
}

@test "an initial value is for aggregates only" {
  run generate --map mask.wasm --param fields=x --initial 40
  assert_failure 2
  assert_output "generate-source: --initial: has no effect without a SmartModule that aggregates"
  printf 'topic: "-"\ntransforms: [{uses: mask.wasm, initial: 7}]\n' >"$SANDBOX/config.yaml"
  run generate --config "$SANDBOX/config.yaml"
  assert_failure 2
  assert_output "generate-source: $SANDBOX/config.yaml:2: mask.wasm: it takes no initial value: it exports map, and only an aggregate begins with one"
}

@test "the aggregate of docs/fluvio.md begins as it says" {
  run --separate-stderr bash -ec "$(awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on && /--aggregate/' "$TEST_ROOT/docs/fluvio.md")"
  assert_success
  assert_output $'101\n102'
  # shellcheck disable=SC2154 # bats sets it
  assert_equal "$stderr" "generate-source: --fluvio-topic is now --topic, --rust-log is now --log-level, --aggregate is now --map, --aggregate-initial-value is now --initial"
}

@test "a module looks back on what is in the topic" {
  cat >"$SANDBOX/config.yaml" <<'YAML'
topic: demo
transforms: [{uses: dedup.wasm, lookback: {last: 3}}]
YAML
  send() { generate-source --config "$SANDBOX/config.yaml" --rate 0 --count "$1" --template .sequence --log-level error; }
  send 3
  send 5
  run --separate-stderr stdout-sink --topic demo --once --log-level error
  assert_output $'1\n2\n3\n4\n5'
  # A sink looks back on what its group has had.
  local sink=(stdout-sink --config "$SANDBOX/config.yaml" --name again --once --log-level error)
  run --separate-stderr "${sink[@]}" --max-records 2
  assert_output $'1\n2'
  generate-source --topic demo --rate 0 --count 2 --template .sequence --log-level error
  run --separate-stderr "${sink[@]}"
  assert_output $'3\n4\n5'
  run generate-source --config "$SANDBOX/config.yaml" --topic - --log-level error
  assert_failure 2
  assert_output --partial "leave lookback out"
}

@test "an aggregate of a source without positions goes on, too, and that of a sink" {
  number() { generate-source --topic demo --rate 0 --count 3 --map count.wasm --log-level warn; }
  number
  number
  local sink=(stdout-sink --topic demo --once --log-level warn --map count.wasm)
  run --separate-stderr "${sink[@]}" --max-records 4
  assert_output $'1\n2\n3\n4'
  run --separate-stderr "${sink[@]}"
  assert_output $'5\n6'
  run --separate-stderr stdout-sink --topic demo --name other --once --log-level error
  assert_output $'1\n2\n3\n4\n5\n6'
  # What is not kept is told.
  local url
  url=$(patchbay broker status --json | jq -r .url)
  PATCHBAY_BROKER=nats+core://${url#*://} run --separate-stderr generate-source --topic plain --rate 0 --count 1 --map count.wasm
  assert_success
  # shellcheck disable=SC2154 # bats sets it
  [[ $stderr == *"aggregates begin anew at every start"* ]]
  run --separate-stderr stdout-sink --topic - --map count.wasm <<<x
  assert_output 1
  [[ $stderr == *"aggregates begin anew at every start"* ]]
}

@test "a copy that waits takes no records, and looks back and counts on when its turn comes" {
  printf 'topic: demo\ntransforms: [{uses: dedup.wasm, lookback: {last: 100}}, {map: count.wasm}]\n' >"$SANDBOX/config.yaml"
  send() { generate-source --topic demo --rate 0 --count "$1" --template .sequence --log-level error; }
  send 1
  start first stdout-sink --config "$SANDBOX/config.yaml"
  wait_until 10 grep -qx 1 "$(output first)"
  start second stdout-sink --config "$SANDBOX/config.yaml"
  wait_until 10 grep -q 'waiting for it to end' "$(errors second)"
  send 50
  wait_until 10 grep -qx 50 "$(output first)"
  stop first
  send 51
  wait_until 15 grep -qx 51 "$(output second)"
  stop second
  assert_equal "$(wc -l <"$(output second)")" 1
}

@test "what a sink aggregates is saved where --state says, whatever the topic" {
  count() { stdout-sink --log-level error --map count.wasm "$@"; }
  run --separate-stderr count --topic - --state "file:$SANDBOX/counted.json" <<<$'a\nb'
  assert_output $'1\n2'
  run --separate-stderr count --topic - --state "file:$SANDBOX/counted.json" <<<c
  assert_output 3
  generate-source --topic demo --rate 0 --count 6 --log-level error
  next() { count --topic demo --once --max-records 2 "$@"; }
  run --separate-stderr next --state kv:counted
  assert_output $'1\n2'
  run --separate-stderr next --state kv:counted
  assert_output $'3\n4'
  run --separate-stderr next --state none
  assert_output $'1\n2'
  run count --topic - --state kv:counted <<<x
  assert_failure 2
  assert_output "stdout-sink: --state: a bucket needs a topic on a broker; with --topic - choose file:PATH or none"
}

@test "what a sink that listens aggregates is kept in a file of its own" {
  local number url
  for number in 1 2; do
    start sink stdout-sink --topic in --broker http+listen://127.0.0.1:0/ --log-format json --map count.wasm
    wait_until 10 grep -q '"url"' "$(errors sink)"
    url=$(jq -r 'select(.url) | .url' "$(errors sink)")
    curl --silent --fail -H 'ce-specversion: 1.0' -H "ce-id: $number" -H 'ce-source: /curl' -H 'ce-type: t' --data x "$url"
    stop sink
    assert_equal "$(cat "$(output sink)")" "$number"
  done
  [[ -s $XDG_STATE_HOME/patchbay/stdout-sink/stdout-sink-in.json ]]
}
