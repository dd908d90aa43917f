#!/usr/bin/env bats
# stdout-sink in pipes and on the local broker. What all connectors share is tested in test/shared.bats.

load ../../../test/helper

# publish TOPIC N puts N records on a topic of the local broker.
publish() { generate-source --topic "$1" --rate 0 --count "$2" --log-level error "${@:3}"; }

# has_lines N FILE succeeds once FILE has N lines or more.
has_lines() { [[ $(wc -l <"$2") -ge $1 ]]; }

@test "metadata describes the sink" {
  run --separate-stderr stdout-sink metadata
  assert_success
  assert_equal "$(jq -c '[.name, .direction, .schema.required]' <<<"$output")" '["stdout-sink","sink",["topic"]]'
}

@test "an unknown format is status 2 and named" {
  run stdout-sink --topic - --format xml
  assert_failure 2
  assert_output 'stdout-sink: --format: "xml" is not one of text, json, cloudevents'
}

@test "the commands of the README work" {
  local block=""
  publish demo 5
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run --separate-stderr bash -euo pipefail -c "$block"
  assert_success
  assert_equal "${#lines[@]}" 6
  assert_equal "$(jq .sequence <<<"${lines[2]}")" 3
  [[ ${lines[5]} =~ ^20[0-9-]+T[0-9:.]+Z\ 3$ ]]
}

@test "records pass through a pipe byte for byte" {
  printf '%s\n' '{"a":  1.50}' '"<é>"' 'no JSON' >"$SANDBOX/in"
  stdout-sink --topic - --topic-format raw <"$SANDBOX/in" >"$SANDBOX/out"
  cmp "$SANDBOX/in" "$SANDBOX/out"
}

@test "what cannot be written stays on the topic" {
  publish demo 3
  # /dev/full refuses every write, as a full disk does
  run bash -c 'stdout-sink --topic demo --once --start-timeout 500ms --log-level error >/dev/full'
  assert_failure 1
  assert_output --partial "no space left on device"
  run --separate-stderr stdout-sink --topic demo --max-records 3
  assert_equal "${#lines[@]}" 3
}

@test "a reader that has gone ends the sink with status 0" {
  publish demo 1000
  # shellcheck disable=SC2016 # the inner shell expands
  run bash -c '{ stdout-sink --topic demo --log-level error; echo "status $?" >&2; } | head -n 1 >/dev/null'
  assert_output "status 0"
}

@test "CloudEvents keep what a record carries" {
  publish demo 1 --key '"k"' --envelope cloudevents
  run --separate-stderr stdout-sink --topic demo --max-records 1 --format cloudevents
  assert_equal "$(jq -c '[.specversion, .source, .partitionkey, .data.sequence]' <<<"$output")" \
    '["1.0","patchbay/generate-source/generate-source-demo","k",1]'
}

@test "two sinks of one group share a topic, another group has it all" {
  publish demo 1
  start one stdout-sink --topic demo --group pair --batch-size 1
  start two stdout-sink --topic demo --group pair --batch-size 1
  start other stdout-sink --topic demo
  publish demo 100
  wait_until 10 has_lines 101 "$(output other)"
  shared() { [[ $(cat "$(output one)" "$(output two)" | sort -u | wc -l) -eq 101 ]]; }
  wait_until 10 shared
}

@test "a restart goes on where it stopped" {
  publish demo 5
  run --separate-stderr stdout-sink --topic demo --max-records 2
  assert_equal "$(jq .sequence <<<"$output" | xargs)" "1 2"
  run --separate-stderr stdout-sink --topic demo --once
  # What the first had fetched and not printed may come in another order.
  assert_equal "$(jq .sequence <<<"$output" | sort | xargs)" "3 4 5"
}
