#!/usr/bin/env bats
# How a connector shows what it does: --metrics-addr, --pprof, and the progress line on a terminal.

load helper

# watched NAME prints where a connector that was started serves its metrics.
watched() { grep -o 'http://[^ ]*/metrics' "$(errors "$1")"; }

# metric NAME SERIES prints the value of a metric of a connector that was started.
metric() { curl -fsS "$(watched "$1")" | awk -v series="$2" 'index($1, series "{") == 1 { print $2 }'; }

# reaches NAME SERIES N succeeds once a metric is N or more.
reaches() { (($(metric "$1" "$2") >= $3)); }

@test "--metrics-addr serves metrics, health and readiness of source and sink" {
  start source generate-source --topic demo --rate 200 --filter '.sequence % 2 == 0' --metrics-addr 127.0.0.1:0
  start sink stdout-sink --topic demo --metrics-addr 127.0.0.1:0
  wait_until 10 watched source
  wait_until 10 watched sink
  wait_until 10 reaches source patchbay_filtered_records_total 20
  wait_until 10 reaches sink patchbay_delivered_records_total 20
  for name in source sink; do
    assert_equal "$(curl -fsS "$(watched $name | sed s/metrics/readyz/)")" ready
    assert_equal "$(curl -fsS "$(watched $name | sed s/metrics/healthz/)")" alive
    assert_equal "$(metric $name patchbay_ready)" 1
    run curl -sS -o /dev/null -w '%{http_code}' "$(watched $name | sed s/metrics/debug\\/pprof\\//)"
    assert_output 404
  done
  run curl -fsS "$(watched sink)"
  assert_line --partial 'patchbay_build_info{name="stdout-sink-demo",connector="stdout-sink",'
  assert_line --partial 'patchbay_consumer_lag_records{name="stdout-sink-demo"}'
}

@test "--pprof serves profiles beside the metrics, and needs them" {
  start source generate-source --topic - --rate 10 --metrics-addr 127.0.0.1:0 --pprof
  wait_until 10 watched source
  run curl -fsS -o /dev/null -w '%{http_code}' "$(watched source | sed s/metrics/debug\\/pprof\\/heap/)"
  assert_output 200
  run generate-source --topic - --pprof
  assert_failure 2
  assert_output "generate-source: --pprof: has no effect without --metrics-addr"
}

@test "metrics are answered until everything is delivered, and not longer" {
  start source generate-source --topic demo --rate 100 --metrics-addr 127.0.0.1:0
  wait_until 10 watched source
  wait_until 10 reaches source patchbay_delivered_records_total 1
  stop source
  run curl -sS "$(watched source)"
  assert_failure 7
}

@test "an address that is taken ends a connector before anything else happens" {
  start source generate-source --topic - --rate 10 --metrics-addr 127.0.0.1:0
  wait_until 10 watched source
  local address
  address=$(watched source | grep -oE '[0-9.]+:[0-9]+')
  run generate-source --topic - --metrics-addr "$address"
  assert_failure 1
  assert_output "generate-source: serve metrics at \"$address\": listen tcp $address: bind: address already in use; choose another --metrics-addr"
}

@test "a terminal shows how a source is doing, where its records do not go there" {
  run script -qec 'generate-source --topic demo --rate 20 --count 40' /dev/null
  assert_success
  assert_output --regexp $'\rgenerate-source-demo: [0-9,]+ records, [0-9]+/s'
  run script -qec 'generate-source --topic - --rate 20 --count 40 | stdout-sink --topic -' /dev/null
  assert_success
  refute_output --partial ' records, '
  run script -qec 'generate-source --topic demo --rate 20 --count 40 --log-level error' /dev/null
  assert_success
  assert_output ""
}
