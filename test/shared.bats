#!/usr/bin/env bats
# What every connector on common does with its shared flags, seen from outside: generate-source and stdout-sink stand for
# them all.

load helper

# generate FLAGS... prints numbers from 1, as fast as it can and without log lines.
generate() { generate-source --topic - --rate 0 --template .sequence --log-level error "$@"; }

# publish TOPIC N FLAGS... puts the numbers from 1 to N on a topic of the local broker.
publish() { generate-source --topic "$1" --rate 0 --template .sequence --count "$2" --log-level error "${@:3}"; }

# consume TOPIC FLAGS... prints what is on a topic now.
consume() { stdout-sink --topic "$1" --once --log-level error "${@:2}"; }

# has_lines N FILE succeeds once FILE has N lines or more.
has_lines() { [[ $(wc -l <"$2") -ge $1 ]]; }

@test "two connectors make a pipe" {
  run --separate-stderr bash -euo pipefail -c 'generate-source --topic - --max-records 5 | stdout-sink --topic -'
  assert_success
  assert_equal "$(jq .sequence <<<"$output" | xargs)" "1 2 3 4 5"
}

@test "a topic connects two connectors, the sink started first" {
  start sink stdout-sink --topic demo
  wait_until 10 grep -q starting "$(errors sink)"
  start source generate-source --topic demo --rate 20
  wait_until 10 has_lines 3 "$(output sink)"
  stop source
  stop sink
  assert_equal "$(head -n 1 "$(output sink)" | jq .sequence)" 1
}

@test "a topic connects two connectors, the source started first" {
  start source generate-source --topic demo --max-records 3 --rate 0
  wait_until 10 ended source
  stop source
  start sink stdout-sink --topic demo
  wait_until 10 has_lines 3 "$(output sink)"
  stop sink
  assert_equal "$(jq .sequence "$(output sink)" | xargs)" "1 2 3"
}

@test "--from latest skips what is on the topic already" {
  publish demo 2
  start sink stdout-sink --topic demo --from latest
  wait_until 10 bash -c "patchbay broker status --json | grep -q demo"
  # The consumer exists once what is published anew comes through.
  fed() { publish demo 1 --map '"new"' && [[ -s $(output sink) ]]; }
  wait_until 10 fed
  run sort -u "$(output sink)"
  assert_output '"new"'
}

@test "transforms apply in the order of the command line" {
  run generate --count 4 --map '. * 10' --filter '. > 10' --map '{n: .}' --arraymap '[.n, -.n]'
  assert_output $'20\n-20\n30\n-30\n40\n-40'
  run generate --count 4 --filter '. > 10' --map '. * 10'
  assert_output ""
}

@test "transforms work in sinks" {
  run bash -c "printf '%s\n' 1 2 3 | stdout-sink --topic - --log-level error --filter '. != 2' --map '[., \"a,b\"]'"
  assert_output $'[1,"a,b"]\n[3,"a,b"]'
}

@test "a transform may stand in a file" {
  echo '. * 100' >"$SANDBOX/times.jq"
  run generate --count 2 --map "@$SANDBOX/times.jq"
  assert_output $'100\n200'
}

@test "a transform that does not compile is status 2 and shown" {
  run generate --map '.a b'
  assert_failure 2
  assert_output --partial '.a b'
}

@test "--max-records counts what is delivered after the transforms" {
  run generate --filter '. % 2 == 0' --max-records 3
  assert_output $'2\n4\n6'
  run generate --arraymap '[., .]' --max-records 3
  assert_output $'1\n1\n2'
}

@test "options come from flags, environment, file and defaults, in this order" {
  cat >"$SANDBOX/config.yaml" <<'YAML'
topic: "-"
parameters:
  log_level: error
  rate: 0
  count: 3
  template: '"file"'
YAML
  run generate-source --config "$SANDBOX/config.yaml"
  assert_output $'"file"\n"file"\n"file"'
  GENERATE_SOURCE_COUNT=2 run generate-source --config "$SANDBOX/config.yaml"
  assert_output $'"file"\n"file"'
  GENERATE_SOURCE_COUNT=2 run generate-source --config "$SANDBOX/config.yaml" --count 1
  assert_output '"file"'
  PATCHBAY_TOPIC=- GENERATE_SOURCE_RATE=0 run generate-source --log-level error --max-records 1 --template 1
  assert_output 1
}

@test "a config file holds transforms, and values from the environment and from files" {
  echo '{n: .}' >"$SANDBOX/template"
  cat >"$SANDBOX/config.yaml" <<'YAML'
name: made-up
type: generate-source
topic: ${env:WHERE}
parameters: {log-level: error, rate: 0, count: 2, template: "${file:template}"}
transforms:
  - map: '.n.sequence'
  - filter: '. > 1'
YAML
  WHERE=- run generate-source --config "$SANDBOX/config.yaml"
  assert_success
  assert_output 2
}

@test "a wrong config file is status 2, with every problem and its line" {
  printf '%s\n' 'topic: "-"' 'parameters:' '  rat: 1' '  count: many' '  topic: x' >"$SANDBOX/config.yaml"
  run generate-source validate --config "$SANDBOX/config.yaml"
  assert_failure 2
  assert_line --regexp 'config.yaml:3.*"rat".*did you mean "rate"'
  assert_line --regexp 'config.yaml:4.*many'
  assert_line --regexp 'config.yaml:5.*at the top'
}

@test "a config file for another connector is refused" {
  printf '%s\n' 'type: http-source' 'topic: "-"' >"$SANDBOX/config.yaml"
  run generate-source --config "$SANDBOX/config.yaml"
  assert_failure 2
  assert_output --partial "http-source"
}

@test "an unknown flag is status 2 and names the nearest" {
  run generate-source --topic - --cuont 3
  assert_failure 2
  assert_output "generate-source: unknown flag --cuont; did you mean --count?"
}

@test "validate lists every problem" {
  run generate-source validate --rate fast --acks --on-error dead-letter --nmae x
  assert_failure 2
  for problem in "--topic: is required" "--rate:" "--nmae"; do
    assert_line --partial -- "$problem"
  done
  run generate-source validate --topic - --acks --on-error dead-letter --state kv:x
  assert_failure 2
  for option in acks state; do
    assert_line --partial -- "--$option:"
  done
}

@test "validate --batch answers each document" {
  printf '%s\n' '{"topic":"-"}' '{"topic":"-","rate":-1,"cuont":1}' '{"topic":"-","template":"{"}' 'no JSON' >"$SANDBOX/documents"
  run --separate-stderr generate-source validate --batch - <"$SANDBOX/documents"
  assert_success
  assert_equal "$(jq -c '[.valid, (.problems | length), (.problems | map(.semantic // false) | any)]' <<<"$output" | xargs)" \
    "[true,0,false] [false,2,false] [false,1,true] [false,1,false]"
}

@test "metadata is the same bytes whatever the environment and the arguments hold" {
  local name
  generate-source metadata >"$SANDBOX/clean"
  generate-source metadata --draft draft-07 >"$SANDBOX/draft"
  while read -r name; do
    export "$name=poison"
  done < <(jq -r '.schema.properties[]["x-env"]' "$SANDBOX/clean")
  generate-source metadata </dev/null >"$SANDBOX/poisoned"
  cd / && generate-source metadata >"$SANDBOX/elsewhere"
  cmp "$SANDBOX/clean" "$SANDBOX/poisoned"
  cmp "$SANDBOX/clean" "$SANDBOX/elsewhere"
  cmp "$SANDBOX/clean" "$SANDBOX/draft"
  run generate-source metadata --draft 4
  assert_failure 2
}

@test "help names every flag and its variable" {
  run generate-source --help
  assert_success
  while read -r flag variable; do
    assert_output --partial -- "--$flag"
    assert_output --partial -- "$variable"
  done < <(generate-source metadata | jq -r '.schema.properties | to_entries[] | "\(.key) \(.value["x-env"])"')
}

@test "the completion script completes flags" {
  for shell in bash zsh fish; do
    run generate-source completion "$shell"
    assert_success
    assert_output --partial max-records
  done
  # shellcheck disable=SC2016 # the inner shell expands
  run bash -c 'source <(generate-source completion bash)
    COMP_WORDS=(generate-source --templ) COMP_CWORD=1 COMP_LINE="generate-source --templ" COMP_POINT=23
    spec=$(complete -p generate-source) && [[ $spec =~ -F\ ([^ ]+) ]] && "${BASH_REMATCH[1]}" generate-source --templ generate-source
    printf "%s\n" "${COMPREPLY[@]}"'
  assert_output --partial -- "--template"
  run generate-source completion tcsh
  assert_failure 2
}

@test "check says what works and changes nothing" {
  run generate-source check --topic demo
  assert_success
  assert_line "broker: ok"
  run bash -c 'patchbay broker status --json | jq -c .streams'
  assert_output "[]"
  run generate-source check --topic demo --broker "nats://127.0.0.1:$(free_port)" --start-timeout 500ms
  assert_failure 1
  assert_line --partial "broker: "
}

@test "where no broker answers, status 1 and the address" {
  local port
  port=$(free_port)
  run generate-source --topic demo --broker "nats://127.0.0.1:$port" --start-timeout 500ms
  assert_failure 1
  assert_output --partial "$port"
}

@test "SIGTERM drains: what was taken is delivered" {
  start pipe bash -c 'generate-source --topic demo --rate 0 & echo $! >"$SANDBOX/source.pid"; wait $!'
  start sink stdout-sink --topic demo
  wait_until 10 has_lines 1000 "$(output sink)"
  kill -TERM "$(<"$SANDBOX/source.pid")"
  wait_until 10 ended pipe
  stop pipe
  # What the sink has printed when it is stopped counts as read, so the next one goes on behind it.
  stop sink
  consume demo --name stdout-sink-demo >"$SANDBOX/rest"
  # No gap, and nothing twice. What the first sink had fetched and not printed may come in another order.
  jq .sequence "$(output sink)" "$SANDBOX/rest" | sort -n >"$SANDBOX/all"
  cmp <(seq "$(wc -l <"$SANDBOX/all")") "$SANDBOX/all"
}

@test "a second signal ends at once, with status 130" {
  # Nobody reads the pipe, so there is something left to drain.
  mkfifo "$SANDBOX/pipe"
  exec 5<>"$SANDBOX/pipe"
  start source bash -c 'exec generate-source --topic - --rate 0 --shutdown-timeout 1m >"$SANDBOX/pipe"'
  wait_until 10 grep -q starting "$(errors source)"
  read -r -u 5
  # The same signal twice may be merged into one; these two cannot.
  kill -INT "$(<"$SANDBOX/started/source.pid")"
  run stop source TERM
  exec 5>&-
  assert_failure 130
}

@test "a reader that has gone ends a source with status 0" {
  # shellcheck disable=SC2016 # the inner shell expands
  run bash -c '{ generate-source --topic - --rate 0 --log-level error; echo "status $?" >&2; } | head -n 1 >/dev/null'
  assert_output "status 0"
}

@test "--on-error fail ends with status 1 and says which expression" {
  run generate --map 'if . == 2 then error("two") else . end'
  assert_failure 1
  assert_line 1
  assert_output --partial two
}

@test "--on-error skip leaves the record out" {
  run --separate-stderr generate --count 3 --on-error skip --map 'if . == 2 then error("two") else . end'
  assert_success
  assert_output $'1\n3'
}

@test "--on-error dead-letter keeps the record of a source, and why" {
  publish demo 3 --on-error dead-letter --dead-letter demo.dead --map 'if . == 2 then error("two") else . end'
  run consume demo
  assert_output $'1\n3'
  run --separate-stderr consume demo.dead --format json
  assert_equal "$(jq -c .value <<<"$output")" 2
  assert_equal "$(jq -r '.headers | to_entries[] | select(.key | ascii_downcase | contains("reason")).value | contains("two")' <<<"$output")" true
}

@test "--on-error dead-letter keeps the record of a sink, and why" {
  publish demo 3
  run --separate-stderr consume demo --on-error dead-letter --dead-letter demo.dead --map 'if . == 2 then error("two") else . end'
  assert_output $'1\n3'
  run consume demo.dead
  assert_output 2
  # It is done with: the group does not get it again.
  run consume demo --name stdout-sink-demo
  assert_output ""
}

@test "--on-error dead-letter without a topic for them is status 2" {
  run publish demo 1 --on-error dead-letter
  assert_failure 2
  assert_output --partial "needs --dead-letter"
}

@test "the lean envelope adds nothing, the one of CloudEvents all attributes" {
  publish lean 1
  publish events 1 --envelope cloudevents
  run --separate-stderr consume lean --format json
  assert_equal "$(jq -c '[.value, .headers]' <<<"$output")" '[1,null]'
  run --separate-stderr consume events --format json
  assert_equal "$(jq -c '[.value, .headers["ce-source"]]' <<<"$output")" '[1,"patchbay/generate-source/generate-source-events"]'
}

@test "the formats of standard output fit together" {
  for format in json raw cloudevents; do
    # shellcheck disable=SC2016 # the inner shell expands
    run --separate-stderr bash -euo pipefail -c 'generate-source --topic - --rate 0 --count 2 --template "{a: .sequence}" --topic-format $1 |
      stdout-sink --topic - --topic-format $1' - "$format"
    assert_output $'{"a":1}\n{"a":2}'
  done
}

@test "log lines are JSON if asked for" {
  run --separate-stderr generate-source --topic - --max-records 1 --log-format json
  jq -es 'map(.msg) | any' <<<"$stderr" >/dev/null
}

@test "a broker that comes back is found again, and nothing is lost" {
  start sink stdout-sink --topic demo
  start source generate-source --topic demo --rate 200 --template .sequence
  wait_until 10 has_lines 20 "$(output sink)"
  patchbay broker stop
  local before
  before=$(wc -l <"$(output sink)")
  wait_until 20 has_lines $((before + 100)) "$(output sink)"
  stop source
  stop sink
  consume demo --name stdout-sink-demo >"$SANDBOX/rest"
  # At least once: duplicates may be, gaps may not.
  sort -nu "$(output sink)" "$SANDBOX/rest" >"$SANDBOX/all"
  cmp <(seq "$(wc -l <"$SANDBOX/all")") "$SANDBOX/all"
}
