#!/usr/bin/env bash
# Builds the S3 server that the tests of backups run against, once: it takes
# two minutes. It lies in the user's cache, where internal/s3test looks for it.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' internal/s3test/s3test.go)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kae
program=$cache/versitygw-$version
if [ -x "$program" ]; then
	exit 0
fi

mkdir -p "$cache"
part=$(mktemp -d "$cache/part-XXXXXX")
trap 'rm -rf "$part"' EXIT
GOBIN=$part CGO_ENABLED=0 go install "github.com/versity/versitygw/cmd/versitygw@$version"
mv "$part/versitygw" "$program"
