# shellcheck shell=bash
# etcd, for tests of what keeps positions there.
# needs: etcd etcd-server

# start_etcd starts etcd on free ports, with an empty folder of its own, and waits until it answers. ETCD_URL is exported. It ends
# with the test, or with `stop etcd`.
start_etcd() {
  local peer
  export ETCD_URL
  ETCD_URL=http://127.0.0.1:$(free_port)
  peer=http://127.0.0.1:$(free_port)
  start etcd etcd --data-dir "$SANDBOX/etcd" --listen-client-urls "$ETCD_URL" --advertise-client-urls "$ETCD_URL" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer"
  wait_until 20 curl -fsS "$ETCD_URL/health"
}
