# shellcheck shell=bash
# For bats files of connectors that speak NATS, behind test/helper: the local broker, taken for a system of somebody else's.

# start_nats starts it and sets NATS_URL, its address, and NATS_TOKEN, which its clients need.
start_nats() {
  local url
  start broker patchbay broker
  wait_until 10 patchbay broker status
  url=$(patchbay broker status --json | jq -r .url)
  NATS_URL=nats://${url#*@}
  NATS_TOKEN=${url#nats://}
  NATS_TOKEN=${NATS_TOKEN%@*}
}

# nats_request SUBJECT TEXT asks the server, by its own protocol, and prints the answer.
nats_request() {
  local line=""
  exec 5<>"/dev/tcp/127.0.0.1/${NATS_URL##*:}"
  printf 'CONNECT {"verbose":false,"auth_token":"%s"}\r\nSUB answer 1\r\nPUB %s answer %d\r\n%s\r\n' \
    "$NATS_TOKEN" "$1" "${#2}" "$2" >&5
  until [[ $line == MSG* || $line == -ERR* ]]; do read -r -t 5 line <&5; done
  read -r -t 5 line <&5
  exec 5>&-
  echo "$line"
}
