# shellcheck shell=bash
# versitygw, a server of S3 whose objects lie as plain files, for tests of connectors that speak its protocol.
# needs: versitygw github.com/versity/versitygw/cmd/versitygw@v1.8.0

# start_versitygw [OPTION...] starts versitygw on a free port, with an empty bucket called test. Exported: S3_URL, the keys
# of its root user as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and S3_DIR, the folder with its files: test/KEY is the
# object KEY, of which a test may write many at once. It ends with the test, or with `stop versitygw`; run_versitygw
# [OPTION...] starts it again.
start_versitygw() {
  S3_PORT=$(free_port)
  S3_DIR=$(mktemp -d "$SANDBOX/versitygw.XXXXXX")
  export S3_PORT S3_DIR S3_URL=http://127.0.0.1:$S3_PORT AWS_ACCESS_KEY_ID=patchbay AWS_SECRET_ACCESS_KEY=sesame
  mkdir "$S3_DIR/test"
  run_versitygw "$@"
}

# run_versitygw [OPTION...] starts the server that start_versitygw has made, and waits until it answers.
run_versitygw() {
  ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY \
    start versitygw "$TEST_ROOT/test/bin/versitygw" --port "127.0.0.1:$S3_PORT" "$@" posix "$S3_DIR"
  wait_until 10 port_answers "$S3_PORT"
}

# s3_put KEY FILE [CURL OPTION...] puts a file into the bucket.
s3_put() {
  curl -fsS --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" -H "Content-Type: text/plain" "${@:3}" -T "$2" "$S3_URL/test/$1"
}
