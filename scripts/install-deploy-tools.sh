#!/usr/bin/env bash
# Makes sure that the tests of deploy/ find what they run: Caddy, nginx,
# buildah, rsync, debootstrap, dpkg, zsh, fish, mandoc and Prometheus's promtool.
# Installs Debian's where it is root and there is apt; elsewhere says what is
# missing and fails. Does nothing if all is there.
set -euo pipefail

# Some are in /usr/sbin, which is not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin

absent() {
	packages=()
	command -v caddy >/dev/null || packages+=(caddy)
	command -v nginx >/dev/null || packages+=(nginx-light)
	command -v buildah >/dev/null || packages+=(buildah)
	command -v rsync >/dev/null || packages+=(rsync)
	command -v debootstrap >/dev/null || packages+=(debootstrap)
	command -v dpkg >/dev/null || packages+=(dpkg)
	command -v zsh >/dev/null || packages+=(zsh)
	command -v fish >/dev/null || packages+=(fish)
	command -v mandoc >/dev/null || packages+=(mandoc)
	command -v promtool >/dev/null || packages+=(prometheus)
}

absent
if [ ${#packages[@]} -eq 0 ]; then
	exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "The tests of deploy/ need what is missing here: ${packages[*]}." >&2
	echo "On Debian, as root: apt-get install --no-install-recommends ${packages[*]}" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "${packages[@]}"

# The tests start their own; nobody asked for one that runs all the time.
if [ -d /run/systemd/system ]; then
	for service in caddy nginx prometheus; do
		case " ${packages[*]} " in
		*" $service"*) systemctl disable --now "$service" ;;
		esac
	done
fi

absent
if [ ${#packages[@]} -gt 0 ]; then
	echo "installed, but not found afterwards: ${packages[*]}" >&2
	exit 1
fi
