#!/usr/bin/env bats
# nats-sink against a real server: the local broker, taken for a system of somebody else's.
# shellcheck disable=SC2016 # subjects begin with a dollar sign

load ../../../test/helper
load ../../../test/nats

setup() {
  sandbox
  start_nats
  export NATS_SINK_NATS_TOKEN=$NATS_TOKEN
}

# make_stream NAME SUBJECT [MORE] makes a stream, by the server's own protocol; MORE are more fields of its configuration.
make_stream() { nats_request "\$JS.API.STREAM.CREATE.$1" "{\"name\":\"$1\",\"subjects\":[\"$2\"],\"storage\":\"memory\"${3:-}}" >/dev/null; }

# generate N prints records with the sequence numbers from 1 to N.
generate() { generate-source --topic - --rate 0 --max-records "$1" --template .sequence; }

# write_nats FLAGS... writes standard input.
write_nats() { nats-sink --nats-url "$NATS_URL" --topic - "$@"; }

# stored SUBJECT prints what the local broker has stored of a subject.
stored() { stdout-sink --topic "$1" --once --log-level error; }

# count STREAM prints how many messages a stream has.
count() { nats_request "\$JS.API.STREAM.INFO.$1" "" | jq .state.messages; }

# event ID KEY OP DATA prints a record as a CloudEvent.
event() {
  jq -nc --arg id "$1" --arg key "$2" --arg op "$3" --argjson data "$4" \
    '{specversion: "1.0", $id, source: "test", type: "test", partitionkey: $key, $data} + if $op == "delete" then {patchbayop: $op} else {} end'
}

@test "metadata describes the sink" {
  run --separate-stderr nats-sink metadata
  assert_success
  assert_equal "$(jq -r '[.name, .direction] | join(" ")' <<<"$output")" "nats-sink sink"
  assert_equal "$(jq -c '.schema | [.required, .properties["nats-password"].writeOnly]' <<<"$output")" '[["nats-url","topic"],true]'
}

@test "every wrong option is told at once, with status 2" {
  run nats-sink validate --topic - --nats-url localhost:4222 --subject 'a b' --ack-timeout 0s --bucket a.b
  assert_failure 2
  for option in nats-url subject ack-timeout bucket; do
    assert_line --partial -- "--$option:"
  done
  run nats-sink validate --topic - --nats-url nats://localhost --subject 'a.{id}' --stream s
  assert_failure 2
  assert_line --partial -- "--subject: {id} stands for nothing; there are {key} and {subject}"
}

@test "the commands of the README work" {
  local block=""
  make_stream orders orders
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run --separate-stderr bash -euo pipefail -c "${block//nats:\/\/localhost:4222/$NATS_URL}"
  assert_success
  run stored orders
  assert_output $'1\n2\n3'
}

@test "check says whether there is something to write to, and writes nothing" {
  make_stream orders orders
  run nats-sink check --topic - --nats-url "$NATS_URL" --subject orders --stream orders
  assert_success
  assert_output "system: ok"
  assert_equal "$(count orders)" 0
  run nats-sink check --topic - --nats-url "$NATS_URL" --bucket none
  assert_failure 1
  assert_line --partial "bucket none: "
}

@test "a wrong token is status 1, and not shown" {
  NATS_SINK_NATS_TOKEN=hush run write_nats --subject plain --once --start-timeout 500ms < <(generate 1)
  assert_failure 1
  assert_line --partial "connect to $NATS_URL: nats: Authorization Violation"
  refute_output --partial hush
}

@test "many records are stored, in order, and once if they come twice" {
  make_stream orders 'orders.>'
  events() { for n in {1..300}; do printf '{"specversion":"1.0","id":"%d","source":"t","type":"t","data":%d}\n' "$n" "$n"; done; }
  write_nats --topic-format cloudevents --subject orders.new --stream orders < <(events)
  write_nats --topic-format cloudevents --subject orders.new --stream orders < <(events)
  assert_equal "$(count orders)" 300
}

@test "a bucket has the latest of each key" {
  make_stream KV_settings '$KV.settings.>' ',"max_msgs_per_subject":1,"allow_direct":true,"allow_rollup_hdrs":true'
  {
    event 1 a upsert 1
    event 2 b upsert 2
    event 3 a upsert 3
    event 4 b delete null
  } | write_nats --topic-format cloudevents --bucket settings
  last() { nats_request '$JS.API.STREAM.MSG.GET.KV_settings' "{\"last_by_subj\":\"\$KV.settings.$1\"}" | jq -r ".message.$2 // \"\" | @base64d"; }
  assert_equal "$(last a data)" 3
  assert_equal "$(last b data)" ""
  last b hdrs | grep -q 'KV-Operation: DEL'
  run write_nats --topic-format cloudevents --bucket settings < <(event 5 "no key" upsert 1)
  assert_failure 1
  assert_line --partial '"no key" cannot be a key of a bucket'
}

@test "a record without the key that the subject needs goes to the error policy" {
  make_stream orders 'orders.*'
  records() { event 1 a upsert 1 && jq -nc '{specversion: "1.0", id: "2", source: "t", type: "t", data: 2}' && event 3 c upsert 3; }
  run write_nats --topic-format cloudevents --subject 'orders.{key}' --stream orders --on-error skip < <(records)
  assert_success
  assert_line --partial "the record has no key"
  assert_equal "$(count orders)" 2
}

@test "a full stream is waited for" {
  make_stream orders orders ',"max_msgs":2,"discard":"new"'
  generate 5 >"$SANDBOX/records"
  from() { exec "${@:2}" <"$1"; }
  start sink from "$SANDBOX/records" nats-sink --nats-url "$NATS_URL" --topic - --subject orders --stream orders --retry-max-wait 200ms
  wait_until 10 grep -q "maximum messages exceeded" "$(errors sink)"
  nats_request '$JS.API.STREAM.UPDATE.orders' '{"name":"orders","subjects":["orders"],"storage":"memory","discard":"new"}' >/dev/null
  wait_until 10 ended sink
  stop sink
  assert_equal "$(stored orders | sort -n)" "$(seq 5)"
}

@test "from a topic of the local broker, a restart neither loses nor repeats a record" {
  make_stream target 'target.>'
  generate-source --topic numbers --rate 0 --max-records 5000 --template .sequence
  start sink nats-sink --nats-url "$NATS_URL" --topic numbers --subject target.n --stream target --batch-size 20
  some() { [[ $(count target) -ge 100 ]]; }
  wait_until 20 some
  stop sink KILL || true
  start sink nats-sink --nats-url "$NATS_URL" --topic numbers --subject target.n --stream target
  all() { [[ $(count target) -eq 5000 ]]; }
  wait_until 60 all
  stop sink
  all
}
