#!/usr/bin/env bats
# nats-source against a real server: the local broker, taken for a system of somebody else's.
# shellcheck disable=SC2016 # subjects begin with a dollar sign

load ../../../test/helper
load ../../../test/nats

setup() {
  sandbox
  start_nats
  export NATS_SOURCE_NATS_TOKEN=$NATS_TOKEN
}

# fill N stores the numbers from 1 to N in the stream orders.
fill() { generate-source --topic orders --rate 0 --count "$1" --template .sequence --log-level error; }

# read_nats FLAGS... makes one pass to standard output; follow NAME FLAGS... reads in the background.
read_nats() { nats-source --nats-url "$NATS_URL" --once --topic - --start-timeout 5s "$@"; }
follow() { start "$1" nats-source --nats-url "$NATS_URL" --topic - "${@:2}"; }

# has_lines N FILE succeeds once FILE has N lines or more.
has_lines() { [[ $(wc -l <"$2") -ge $1 ]]; }

# publish SUBJECT TEXT publishes what nobody answers to.
publish() { # a ping is answered when what is before it is done
  local line=""
  exec 5<>"/dev/tcp/127.0.0.1/${NATS_URL##*:}"
  printf 'CONNECT {"verbose":false,"auth_token":"%s"}\r\nPUB %s %d\r\n%s\r\nPING\r\n' "$NATS_SOURCE_NATS_TOKEN" "$1" "${#2}" "$2" >&5
  until [[ $line == PONG* ]]; do read -r -t 5 line <&5; done
  exec 5>&-
}

@test "metadata describes the source" {
  run --separate-stderr nats-source metadata
  assert_success
  assert_equal "$(jq -r '[.name, .direction, .resumes] | join(" ")' <<<"$output")" "nats-source source true"
  assert_equal "$(jq -c '.schema | [.required, .properties["nats-password"].writeOnly]' <<<"$output")" '[["nats-url","topic"],true]'
}

@test "every wrong option is told at once, with status 2" {
  run nats-source validate --topic - --nats-url localhost:4222 --subject a..b --deliver last --bucket a.b
  assert_failure 2
  for option in nats-url subject deliver bucket; do
    assert_line --partial -- "--$option:"
  done
}

@test "an address with a login is refused, and not shown" {
  run nats-source validate --topic - --subject a --nats-url nats://me:hush@localhost
  assert_failure 2
  assert_line --partial -- "--nats-url:"
  refute_output --partial hush
}

@test "the commands of the README work" {
  local block=""
  fill 2
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run --separate-stderr bash -euo pipefail -c "${block//nats:\/\/localhost:4222/$NATS_URL}"
  assert_success
  assert_output $'1\n2\n1\n2'
}

@test "check says whether there is something to read" {
  fill 1
  run nats-source check --topic - --nats-url "$NATS_URL" --stream orders
  assert_success
  assert_output "system: ok"
  run nats-source check --topic - --nats-url "$NATS_URL" --stream none
  assert_failure 1
  assert_line --partial "stream none: "
}

@test "discover lists the streams and buckets" {
  fill 1
  run --separate-stderr nats-source discover --nats-url "$NATS_URL"
  assert_success
  assert_output '{"name":"orders","options":{"stream":"orders"}}'
  NATS_SOURCE_NATS_TOKEN=hush run nats-source discover --nats-url "$NATS_URL"
  assert_failure 1
  assert_output "nats-source: discover: connect to $NATS_URL: nats: Authorization Violation"
  run nats-source discover
  assert_failure 2
  assert_output --partial "nats-source: --nats-url: is required"
  assert_equal "${#lines[@]}" 1
}

@test "an interrupt ends discover while the server is silent" {
  kill -s STOP "$(<"$SANDBOX/started/broker.pid")"
  start discover nats-source discover --nats-url "$NATS_URL" --start-timeout 1h
  connected() { [[ -n $(find "/proc/$(<"$SANDBOX/started/discover.pid")/fd" -lname "socket:*") ]]; }
  wait_until 5 connected
  run stop discover INT
  assert_failure 130
  kill -s CONT "$(<"$SANDBOX/started/broker.pid")"
}

@test "a wrong token is status 1, and not shown" {
  NATS_SOURCE_NATS_TOKEN=hush run read_nats --stream orders --start-timeout 500ms
  assert_failure 1
  assert_line --partial "connect to $NATS_URL: nats: Authorization Violation"
  refute_output --partial hush
}

@test "a stream is followed, and a restart goes on where it stopped" {
  local state=file:$SANDBOX/state.json
  fill 3
  follow source --stream orders --state "$state"
  wait_until 10 has_lines 3 "$(output source)"
  fill 2
  wait_until 10 has_lines 5 "$(output source)"
  stop source # status 0
  assert_equal "$(<"$(output source)")" $'1\n2\n3\n1\n2'
  fill 1
  run --separate-stderr read_nats --stream orders --state "$state"
  assert_success
  assert_output 1
}

@test "after kill -9 nothing of a stream is lost" {
  local state=file:$SANDBOX/state.json
  fill 5000
  follow source --stream orders --state "$state"
  wait_until 10 has_lines 100 "$(output source)"
  stop source KILL || true
  read_nats --stream orders --state "$state" >"$SANDBOX/rest"
  # The last line of the first may be cut off.
  assert_equal "$(cat "$(output source)" "$SANDBOX/rest" | grep -xE '[0-9]+' | sort -nu | grep -cxFf <(seq 5000))" 5000
}

@test "the position of one stream is not used for another" {
  local state=file:$SANDBOX/state.json
  fill 1
  read_nats --stream orders --state "$state"
  run read_nats --stream other --state "$state"
  assert_failure 2
  assert_output --partial "choose another --name"
}

@test "two readers share a durable consumer" {
  fill 1
  follow one --stream orders --consumer shared --name one
  follow two --stream orders --consumer shared --name two
  both() { fill 50 && has_lines 1 "$(output one)" && has_lines 1 "$(output two)"; }
  wait_until 20 both
  stop one
  stop two
  run --separate-stderr read_nats --stream orders --consumer shared
  assert_success
  all=$(cat "$(output one)" "$(output two)" - <<<"$output" | grep -c .)
  assert_equal "$all" "$(patchbay broker status --json | jq '.streams[] | select(.name == "orders").messages')"
}

@test "passes of a limited size read a durable consumer to its end" {
  fill 25
  for expected in "$(seq 10)" "$(seq 11 20)" "$(seq 21 25)" ""; do
    run --separate-stderr read_nats --stream orders --consumer c --max-records 10
    assert_success
    assert_equal "$(sort -n <<<"$output")" "$expected"
  done
}

@test "a plain subject is heard, as one of a queue group" {
  follow source --subject 'plain.>' --queue q --topic-format cloudevents
  heard() { publish plain.a hello && has_lines 1 "$(output source)"; }
  wait_until 10 heard
  stop source
  run head -n 1 "$(output source)"
  assert_equal "$(jq -c '[.subject, .data]' <<<"$output")" '["plain.a","hello"]'
}

@test "a plain subject has no end" {
  run read_nats --subject plain
  assert_failure 2
  assert_line --partial "has no end on a plain subject"
}

@test "a bucket is mirrored, deletions included" {
  nats_request '$JS.API.STREAM.CREATE.KV_settings' \
    '{"name":"KV_settings","subjects":["$KV.settings.>"],"max_msgs_per_subject":1,"storage":"memory","allow_rollup_hdrs":true}' >/dev/null
  assert_equal "$(nats_request '$KV.settings.colour' blue | jq -c '[.stream, .seq]')" '["KV_settings",1]'
  nats_request '$KV.settings.size.max' 7 >/dev/null
  run --separate-stderr read_nats --bucket settings --topic-format cloudevents
  assert_success
  assert_equal "$(jq -c '[.partitionkey, .data]' <<<"$output")" $'["colour","blue"]\n["size.max",7]'
  run --separate-stderr read_nats --bucket settings --keys 'size.*'
  assert_output 7
}

@test "into a topic of the local broker, headers and all, it goes on where it stopped" {
  fill 2
  run_once() { nats-source --nats-url "$NATS_URL" --stream orders --topic copy --once --log-level error; }
  run_once
  run_once
  fill 1
  run_once
  run --separate-stderr stdout-sink --topic copy --once
  assert_output $'1\n2\n1'
  run --separate-stderr nats-source state show --nats-url "$NATS_URL" --stream orders --topic copy
  assert_equal "$(jq -r '.positions[""] | split("@")[0]' <<<"$output")" 3
}

@test "a stop while it waits is a clean one" {
  fill 1
  follow source --stream orders
  wait_until 10 has_lines 1 "$(output source)"
  stop source
}
