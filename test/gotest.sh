#!/usr/bin/env bash
# gotest.sh runs Go tests under the race detector and reports them by gotestsum.
#
# Usage: test/gotest.sh GOTESTSUM_FLAG... -- PACKAGE...
#
# On a machine that has compiled nothing yet, compiling is most of the wait. So gotestsum is built with the flags of every
# other program here, which share what they are compiled from, and vet, which `make test` and `make lint` run once over
# everything, is not run again for each test. A program under the race detector rests for a second before it ends, for reports
# that are on their way; a tenth of that is enough.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
flags=()
while [[ $1 != -- ]]; do
  flags+=("$1")
  shift
done
shift
export GOFLAGS="${GOFLAGS-} -trimpath"
CGO_ENABLED=0 exec go tool -modfile="$root/tools/dev/go.mod" gotestsum "${flags[@]}" \
  --raw-command -- env CGO_ENABLED=1 GORACE="atexit_sleep_ms=100 ${GORACE-}" go test -json -race -vet=off "$@"
