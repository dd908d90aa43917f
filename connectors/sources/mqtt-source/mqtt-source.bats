#!/usr/bin/env bats
# mqtt-source against a real Mosquitto.

load ../../../test/helper

# publish TOPIC ARG... publishes each line of standard input with QoS 1, in order.
publish() { mosquitto_pub -p "$MQTT_PORT" -i publisher -q 1 -l -t "$@"; }

# follow NAME ARG... starts the source, which prints payloads; follow_topic NAME TOPIC ARG... one that fills a topic of the
# local broker.
follow() { follow_topic "$1" - --topic-format raw "${@:2}"; }
follow_topic() {
  start "$1" mqtt-source --server "$MQTT_URL" --client-id test --topic "$2" --retry-max-wait 200ms "${@:3}"
}

# subscribed [N] succeeds once the server has answered N subscriptions.
subscribed() { [[ $(grep -c "Sending SUBACK to test" "$(errors mosquitto)") -ge ${1:-1} ]]; }

# acknowledged N succeeds once the server has got N acknowledgements of QoS 1.
acknowledged() { [[ $(grep -c "Received PUBACK from test" "$(errors mosquitto)") -ge $1 ]]; }

has_lines() { [[ $(wc -l <"$(output "$1")") -ge $2 ]]; }

@test "metadata describes the source" {
  run --separate-stderr mqtt-source metadata
  assert_success
  assert_equal "$(jq -r '[.name, .direction, .resumes // false] | join(" ")' <<<"$output")" "mqtt-source source false"
  assert_equal "$(jq -c '.schema | [(.required | sort), .properties.password.writeOnly]' <<<"$output")" \
    '[["client-id","subscribe","topic"],true]'
}

@test "every wrong option is told at once, with status 2" {
  run mqtt-source validate --topic - --server example.com --qos 3 --protocol 4 --retained maybe --timeout 0s
  assert_failure 2
  for option in server qos protocol retained timeout client-id subscribe; do
    assert_line --partial -- "--$option:"
  done
  run mqtt-source validate --topic - --client-id x --subscribe 'a/#/b' --keep-alive 10ms
  assert_failure 2
  assert_line --partial -- '--subscribe: "a/#/b": # stands alone, as the last level'
  assert_line --partial -- "--keep-alive: must be 0s, or 1s to 65535s"
}

@test "--once is wrong usage, for a topic has no end" {
  run mqtt-source --topic - --client-id x --subscribe a --once
  assert_failure 2
  assert_line "mqtt-source: --once: has no end on MQTT topics; use --max-records"
}

@test "the commands of the README work" {
  local block=""
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  start_mosquitto
  mosquitto_pub() { command mosquitto_pub -p "$MQTT_PORT" "$@"; }
  export -f mosquitto_pub
  run --separate-stderr bash -euo pipefail -c "${block//mqtt:\/\/127.0.0.1:1883/$MQTT_URL}"
  assert_success
  assert_output $'21.5\n22'
}

@test "check logs in, says what is wrong, and touches no session" {
  start_mosquitto
  run --separate-stderr mqtt-source check --topic - --server "$MQTT_URL" --client-id test --subscribe a
  assert_success
  assert_output "system: ok"
  run grep -e SUBSCRIBE -e " test " "$(errors mosquitto)"
  assert_failure
  stop mosquitto
  run mqtt-source check --topic - --server "$MQTT_URL" --client-id test --subscribe a
  assert_failure 1
  assert_line --partial "connect to 127.0.0.1:$MQTT_PORT: "
  assert_line --partial "connection refused"
}

@test "messages of several topics, in both versions and every quality of service" {
  start_mosquitto
  # shellcheck disable=SC2016 # $share is a word of MQTT
  for protocol in 5 3.1.1; do
    for qos in 0 1 2; do
      start source mqtt-source --server "$MQTT_URL" --client-id test --topic - --topic-format cloudevents --protocol "$protocol" \
        --qos "$qos" --subscribe 'sensors/+/t' --subscribe '$share/group/orders/#' --max-records 3
      wait_until 10 grep -q "Sending SUBACK to test" "$(errors mosquitto)"
      mosquitto_pub -p "$MQTT_PORT" -q 2 -t sensors/1/t -m 20
      mosquitto_pub -p "$MQTT_PORT" -q 2 -t sensors/1/other -m no
      mosquitto_pub -p "$MQTT_PORT" -q 2 -t orders -m '{"id":1}'
      mosquitto_pub -p "$MQTT_PORT" -q 2 -t orders/x/y -m text
      wait_until 10 ended source
      stop source
      assert_equal "$(jq -c '[.subject, .partitionkey, .data, (.patchbayheaders | fromjson | ."mqtt-qos")]' "$(output source)")" \
        "[\"sensors/1/t\",\"sensors/1/t\",20,\"$qos\"]
[\"orders\",\"orders\",{\"id\":1},\"$qos\"]
[\"orders/x/y\",\"orders/x/y\",\"text\",\"$qos\"]"
      mosquitto_sub -p "$MQTT_PORT" -i test -t none -E # ends the session
      stop mosquitto
      run_mosquitto
    done
  done
}

@test "a clean stop leaves nothing to come again, and what comes meanwhile is kept" {
  start_mosquitto
  follow source --subscribe a
  wait_until 10 subscribed
  seq 1 500 | publish a
  wait_until 10 has_lines source 500
  stop source
  cp "$(output source)" "$SANDBOX/first"
  seq 501 600 | publish a
  follow source --subscribe a
  wait_until 10 has_lines source 100
  stop source
  assert_equal "$(cat "$SANDBOX/first" "$(output source)")" "$(seq 600)"
}

@test "kill -9 of the source loses nothing" {
  start_mosquitto
  start broker patchbay broker
  wait_until 10 patchbay broker status
  local protocol=5
  for round in 1 2 3; do
    follow_topic source numbers --subscribe a --protocol "$protocol"
    wait_until 10 subscribed "$round"
    seq $((round * 3000 - 2999)) $((round * 3000)) | publish a &
    wait_until 10 acknowledged $((round * 3000 - 2500))
    stop source KILL || true
    wait "$!"
    [[ $protocol == 5 ]] && protocol=3.1.1 || protocol=5
  done
  follow_topic source numbers --subscribe a
  complete() { cmp <(stdout-sink --topic numbers --name check --group "check-$RANDOM$RANDOM" --once --log-level error | sort -nu) <(seq 9000); }
  wait_until 30 complete
  stop source
}

@test "a server that stops and starts again loses nothing" {
  start_mosquitto
  follow source --subscribe a --qos 2
  wait_until 10 subscribed
  seq 1 300 | publish a
  wait_until 10 has_lines source 300
  stop mosquitto KILL || true # it forgets the session, of which nothing is left
  wait_until 10 grep -q "starting it again" "$(errors source)"
  run_mosquitto
  wait_until 10 subscribed
  seq 301 600 | publish a
  stop mosquitto # it keeps the session, with what is not acknowledged
  run_mosquitto
  seq 601 900 | publish a
  all_there() { cmp <(sort -nu "$(output source)") <(seq 900); }
  wait_until 20 all_there
  stop source
}

@test "nothing is acknowledged that the topic has not taken" {
  start_mosquitto
  mkfifo "$SANDBOX/pipe"
  # Nobody reads: a pipe takes 64 KiB.
  to() { exec "${@:2}" >"$1"; }
  exec 8<>"$SANDBOX/pipe"
  start source to "$SANDBOX/pipe" mqtt-source --server "$MQTT_URL" --client-id test --topic - --topic-format raw --subscribe a --shutdown-timeout 1s
  wait_until 10 subscribed
  head -c 10000 /dev/zero | tr '\0' x >"$SANDBOX/payload"
  for _ in {1..20}; do mosquitto_pub -p "$MQTT_PORT" -q 1 -t a -f "$SANDBOX/payload"; done
  wait_until 10 acknowledged 1
  stop source KILL || true
  exec 8>&-
  local before=0
  before=$(grep -c "Received PUBACK from test" "$(errors mosquitto)")
  [[ $before -lt 10 ]]
  follow source --subscribe a --max-records $((20 - before))
  wait_until 10 ended source
  stop source
}

@test "a client id that is used twice is told of" {
  start_mosquitto
  follow source --subscribe a
  wait_until 10 subscribed
  follow other --subscribe a
  wait_until 10 grep -q "another client .*--client-id" "$(errors source)" # some versions of Mosquitto say so, others just close
  stop other
  stop source || true
}

@test "a login, with the password in the environment" {
  mosquitto_passwd -c -b "$SANDBOX/users" ann 'open sesame'
  start_mosquitto "allow_anonymous false" "password_file $SANDBOX/users"
  for protocol in 5 3.1.1; do
    MQTT_SOURCE_PASSWORD='open sesame' run --separate-stderr mqtt-source check --topic - --server "$MQTT_URL" --client-id test \
      --subscribe a --username ann --protocol "$protocol"
    assert_success
    MQTT_SOURCE_PASSWORD='open barley' run mqtt-source --topic - --server "$MQTT_URL" --client-id test --subscribe a --username ann \
      --protocol "$protocol"
    assert_failure 1
    assert_line --partial "the server refuses the connection: "
    refute_output --partial barley
  done
}

@test "over TLS, with the server's certificate checked, and with one of its own" {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$SANDBOX/key.pem" -out "$SANDBOX/cert.pem" 2>/dev/null
  start_mosquitto "allow_anonymous true" "certfile $SANDBOX/cert.pem" "keyfile $SANDBOX/key.pem" "cafile $SANDBOX/cert.pem" \
    "require_certificate true"
  check() { mqtt-source check --topic - --server "${MQTT_URL/mqtt:/mqtts:}" --client-id test --subscribe a "$@"; }
  run --separate-stderr check --ca-file "$SANDBOX/cert.pem" --client-cert-file "$SANDBOX/cert.pem" --client-key-file "$SANDBOX/key.pem"
  assert_success
  run check --ca-file "$SANDBOX/cert.pem"
  assert_failure 1
  run check --client-cert-file "$SANDBOX/cert.pem" --client-key-file "$SANDBOX/key.pem"
  assert_failure 1
  assert_line --partial "certificate signed by unknown authority"
  run mqtt-source check --topic - --server "$MQTT_URL" --client-id test --subscribe a
  assert_failure 1
  assert_line --partial "TLS just where --server says mqtts?"
}
