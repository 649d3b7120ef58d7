#!/usr/bin/env bash
# Fuzzes every fuzz test of the module, one after the other, each for the time
# given (1m, unless told). What go finds it leaves in testdata/fuzz: keep it.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-1m}
found=0
for package in $(go list ./...); do
	for name in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "$package $name for $time"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 10x "$package"
		found=$((found + 1))
	done
done
if [ "$found" -eq 0 ]; then
	echo "no fuzz test found" >&2
	exit 1
fi
