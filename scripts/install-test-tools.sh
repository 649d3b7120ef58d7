#!/usr/bin/env bash
# Makes sure that the tests find what they run against: PostgreSQL's server
# programs, Chromium, aiosmtpd, systemd-analyze and curl. Installs Debian's where
# it is root and there is apt; elsewhere says what is missing and fails. Does
# nothing if all is there.
set -euo pipefail

# The S3 server is built, not installed.
"$(dirname "$0")/install-versitygw.sh"

have_browser() {
	command -v chromium
}

have_postgres() {
	ls /usr/lib/postgresql/*/bin/postgres
}

have_aiosmtpd() {
	command -v aiosmtpd
}

have_systemd() {
	command -v systemd-analyze
}

have_curl() {
	command -v curl
}

missing=()
have_browser >/dev/null 2>&1 || missing+=(chromium)
have_postgres >/dev/null 2>&1 || missing+=(postgresql)
have_aiosmtpd >/dev/null 2>&1 || missing+=(python3-aiosmtpd)
have_systemd >/dev/null 2>&1 || missing+=(systemd)
have_curl >/dev/null 2>&1 || missing+=(curl)
if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "The tests need what is missing here: ${missing[*]}." >&2
	echo "On Debian, as root: apt-get install ${missing[*]}" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"

for tool in have_browser have_postgres have_aiosmtpd have_systemd have_curl; do
	if ! "$tool" >/dev/null 2>&1; then
		echo "${missing[*]} installed, but not found afterwards (${tool#have_})." >&2
		exit 1
	fi
done
