# shellcheck shell=bash
# Mosquitto, for tests of connectors that speak MQTT.
# needs: mosquitto mosquitto
# needs: mosquitto_pub mosquitto-clients
# needs: openssl openssl

# start_mosquitto [LINE...] starts Mosquitto on a free port of 127.0.0.1 and waits until it answers. Each LINE is one of its
# configuration; without any, everybody may log in. It keeps what it has when it is stopped by TERM. Exported: MQTT_PORT,
# MQTT_URL and MOSQUITTO_DIR, the folder with its files. It ends with the test, or with `stop mosquitto`; run_mosquitto
# starts it again.
start_mosquitto() {
  MQTT_PORT=$(free_port)
  MOSQUITTO_DIR=$(mktemp -d "$SANDBOX/mosquitto.XXXXXX")
  export MQTT_PORT MOSQUITTO_DIR MQTT_URL=mqtt://127.0.0.1:$MQTT_PORT
  [[ $# -gt 0 ]] || set -- "allow_anonymous true"
  printf '%s\n' "user $(id -un)" "persistence true" "persistence_location $MOSQUITTO_DIR/" "max_queued_messages 100000" "log_type all" \
    "listener $MQTT_PORT 127.0.0.1" "$@" >"$MOSQUITTO_DIR/mosquitto.conf"
  run_mosquitto
}

# run_mosquitto starts the server that start_mosquitto has made, and waits until it answers.
run_mosquitto() {
  start mosquitto mosquitto -c "$MOSQUITTO_DIR/mosquitto.conf"
  wait_until 10 port_answers "$MQTT_PORT"
}
