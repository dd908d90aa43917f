#!/usr/bin/env bash
# protoc.sh OPTION... FILE... runs protoc with the pinned plug-ins for Go. It needs protoc and the common types
# (apt-get install protobuf-compiler libprotobuf-dev).
set -euo pipefail

module=$(dirname "$(readlink -f "$0")")/go.mod
plugin() { go tool -modfile="$module" -n "$1"; } # builds it, and prints where it is
exec protoc --plugin="$(plugin protoc-gen-go)" --plugin="$(plugin protoc-gen-go-grpc)" "$@"
