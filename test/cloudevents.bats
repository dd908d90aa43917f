#!/usr/bin/env bats
# CloudEvents over HTTP, as docs/cloudevents.md has it: real connectors on both sides, and strangers with curl.

# shellcheck disable=SC2030,SC2031 # each test has variables of its own
load helper

# generate N FLAGS... posts the numbers from 1 to N to the sink.
generate() { generate-source --topic in --broker "$url" --template .sequence --count "$1" "${@:2}"; }

# listen FLAGS... starts stdout-sink, at a free port unless there is one, and sets url to what it says of where it listens.
listen() {
  start sink stdout-sink --topic in --broker "http+listen://127.0.0.1:${port:-0}/{topic}" --log-format json "$@"
  wait_until 10 grep -q '"url"' "$(errors sink)"
  url=$(jq -r 'select(.url) | .url' "$(errors sink)")
}

# post FLAGS... sends an event with curl and prints the answer's text and status.
post() { curl --silent --show-error --write-out '%{http_code}' "$url" "$@"; }

has_lines() { [[ $(wc -l <"$2") -ge $1 ]]; }

@test "a source posts to a sink that listens" {
  listen
  [[ $url == http://127.0.0.1:*/in && $url != *:0/* ]]
  for mode in binary structured batched; do
    generate 3 --cloudevents-mode "$mode" --rate 0 --log-level error
  done
  stop sink
  assert_equal "$(xargs <"$(output sink)")" "1 2 3 1 2 3 1 2 3"
}

@test "a stranger's event is taken, what is none is refused with the reason" {
  listen --max-records 1
  run post --data hello
  assert_output $'read CloudEvent: the header ce-specversion is missing\n400'
  run post --header 'ce-specversion: 1.0' --header 'ce-id: 1' --header 'ce-source: /curl' --header 'ce-type: greeting' --data hello
  assert_output 204
  wait_until 10 ended sink
  stop sink
  assert_equal "$(cat "$(output sink)")" hello
}

@test "a sink that is killed loses nothing: the source posts again when it is back" {
  listen
  port=${url#http://127.0.0.1:}
  port=${port%/in}
  start source generate-source --topic in --broker "$url" --template .sequence --count 1500 --rate 1000 --retry-max-wait 200ms
  wait_until 10 has_lines 200 "$(output sink)"
  stop sink KILL || [[ $? -eq 137 ]]
  cp "$(output sink)" "$SANDBOX/first"
  wait_until 10 grep -q 'trying again' "$(errors source)"
  listen
  wait_until 20 ended source
  stop source
  stop sink
  assert_equal "$(sort -nu "$SANDBOX/first" "$(output sink)" | xargs)" "$(seq 1500 | xargs)"
  # Twice comes at most the one that was under way: one partition, one request at a time.
  (($(cat "$SANDBOX/first" "$(output sink)" | wc -l) <= 1501))
}

@test "a sink that is full asks the sender to come again" {
  mkfifo "$SANDBOX/pipe"
  exec 5<>"$SANDBOX/pipe" # opened, and not read: it holds 64 KiB
  # shellcheck disable=SC2016 # the inner shell expands it
  start sink bash -c 'exec stdout-sink --topic in --broker http+listen://127.0.0.1:0/ --log-format json --max-in-flight 2 >"$1"' - "$SANDBOX/pipe"
  wait_until 10 grep -q '"url"' "$(errors sink)"
  url=$(jq -r 'select(.url) | .url' "$(errors sink)")
  head -c 200000 /dev/zero | tr '\0' x >"$SANDBOX/large"
  for i in 1 2; do
    start "sender$i" curl --silent "$url" -H 'ce-specversion: 1.0' -H "ce-id: $i" -H 'ce-source: /curl' -H 'ce-type: t' --data-binary "@$SANDBOX/large"
  done
  busy() { [[ $(post --max-time 1 -H 'ce-specversion: 1.0' -H 'ce-id: 3' -H 'ce-source: /curl' -H 'ce-type: t' --data 3) == *429 ]]; }
  wait_until 10 busy
  run curl --silent --include "$url" -H 'ce-specversion: 1.0' -H 'ce-id: 4' -H 'ce-source: /curl' -H 'ce-type: t' --data 4
  assert_output --partial 'Retry-After: 1'
  start reader cat "$SANDBOX/pipe"
  wait_until 10 ended sender1
  wait_until 10 ended sender2
  stop sink
  stop reader || [[ $? -eq 143 ]]
  exec 5>&-
}

@test "check asks the other side, and shows no password" {
  listen
  run generate-source check --topic in --broker "${url/\/\////me:c4n4ry@}"
  assert_success
  assert_line 'broker: ok'
  refute_output --partial c4n4ry
  stop sink
  run --separate-stderr generate-source check --topic in --broker "${url/\/\////me:c4n4ry@}"
  assert_failure 1
  assert_output --partial 'connection refused'
  refute_output --partial c4n4ry
  # shellcheck disable=SC2154 # run sets it
  [[ $stderr != *c4n4ry* ]]
}

@test "the wrong side is status 2" {
  run generate-source --topic in --broker http+listen://127.0.0.1:0/
  assert_failure 2
  assert_output 'generate-source: --broker: broker http+listen://127.0.0.1:0/: a source posts CloudEvents to http://… or https://…'
  run stdout-sink --topic in --broker http+listen://127.0.0.1:0/ --once
  assert_failure 2
  assert_output 'stdout-sink: --once: has no end where a sink listens; use --max-records'
}

@test "file-source resumes over HTTP from a file of its own" {
  listen
  seq 3 >"$SANDBOX/lines"
  send() { file-source --path "$SANDBOX/lines" --topic in --broker "$url" --once --log-level error; }
  send
  seq 4 5 >>"$SANDBOX/lines"
  send
  stop sink
  assert_equal "$(xargs <"$(output sink)")" "1 2 3 4 5"
  [[ -s $XDG_STATE_HOME/patchbay/file-source/file-source-in.json ]]
}
