#!/usr/bin/env bash
# What make deploy, make rsync, make restart and the docker targets do:
#
#   scripts/deploy.sh deploy|rsync|build|run|restart|stop|rm|image|prune|replace
#
# The settings are those of .env.prod (or of the file that ENV names), which
# .env.example explains; the environment beats the file. Docker runs on
# DEPLOY_HOST, by ssh; without one, on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

file=${ENV:-.env.prod}

fail() {
	echo "deploy: $*" >&2
	exit 1
}

# The file is read as docker reads it: nothing is quoted, nothing is expanded.
setting() {
	local value=${!1:-}
	if [ -z "$value" ] && [ -r "$file" ]; then
		value=$(sed -n "s/^$1=//p" "$file" | tail -n 1)
	fi
	printf -v "$1" %s "${value:-$2}"
}

setting DEPLOY_HOST ''
setting DEPLOY_ARCH amd64
setting DEPLOY_DIR kae-deploy
setting DEPLOY_NAME kae
setting DEPLOY_USER kae
setting DEPLOY_DATA /data/kae
setting DEPLOY_NETWORK kae
setting DEPLOY_PUBLISH 127.0.0.1:20999
setting DEPLOY_PATIENCE 60

# on_host runs a function of this script on the host, in the home of whoever
# deploys: functions and settings go there, and nothing else of this machine.
on_host() {
	{
		echo 'set -euo pipefail; cd'
		declare -p ${!DEPLOY_*}
		declare -f
		echo "$1 </dev/null"
	} | if [ -n "$DEPLOY_HOST" ]; then ssh "$DEPLOY_HOST" bash -s; else bash -s; fi
}

# ship brings the binary and kae's own settings to the host. Only whoever
# deploys can read these: the password is among them.
ship() {
	[ -r "$file" ] || fail "there is no $file: copy .env.example there, and fill it in"
	grep -q '^KAE_PASS=.' "$file" || fail "KAE_PASS is not set in $file: kae shows its console to no network without a password"
	make --no-print-directory "main-linux-$DEPLOY_ARCH"
	on_host make_dir
	local to=$DEPLOY_DIR own
	if [ -n "$DEPLOY_HOST" ]; then
		to=$DEPLOY_HOST:$to
	elif [ "${to#/}" = "$to" ]; then
		to=$HOME/$to
	fi
	own=$(mktemp -d)
	trap "rm -rf '$own'" EXIT
	grep -E '^(KAE|AWS)_[A-Z0-9_]+=.' "$file" >"$own/kae.env"
	chmod 600 "$own/kae.env"
	rsync -pz "main-linux-$DEPLOY_ARCH" Dockerfile .dockerignore "$own/kae.env" "$to/"
}

# From here on: what happens on the host.

make_dir() {
	command -v docker >/dev/null || fail "there is no docker on the host"
	command -v rsync >/dev/null || fail "there is no rsync on the host; there, as root: apt-get install rsync"
	mkdir -p "$DEPLOY_DIR"
}

build() {
	docker build --build-arg "TARGETARCH=$DEPLOY_ARCH" --tag "$DEPLOY_NAME" "$DEPLOY_DIR"
}

# ready looks at what can be wrong with the host while the old kae still runs.
ready() {
	local uid
	uid=$(id -u "$DEPLOY_USER" 2>/dev/null) ||
		fail "the host has no user $DEPLOY_USER; there, as root: useradd --system --user-group --home-dir $DEPLOY_DATA --shell /usr/sbin/nologin $DEPLOY_USER"
	[ "$(stat -c %u "$DEPLOY_DATA" 2>/dev/null)" = "$uid" ] ||
		fail "the host's $DEPLOY_DATA is not $DEPLOY_USER's; there, as root: install -d -o $DEPLOY_USER -g $DEPLOY_USER -m 700 $DEPLOY_DATA"
	docker network inspect "$DEPLOY_NETWORK" >/dev/null 2>&1 || docker network create "$DEPLOY_NETWORK" >/dev/null
}

# run starts kae as the host's user, whose the data is, with no other right,
# and remembers the settings that it runs with.
run() {
	ready
	cp -p "$DEPLOY_DIR/kae.env" "$DEPLOY_DIR/kae.env.running"
	docker run --detach --name "$DEPLOY_NAME" --restart unless-stopped --stop-timeout 30 \
		--user "$(id -u "$DEPLOY_USER"):$(id -g "$DEPLOY_USER")" \
		--env-file "$DEPLOY_DIR/kae.env" --env KAE_ADDR=:20999 \
		--volume "$DEPLOY_DATA:/data/kae" \
		--network "$DEPLOY_NETWORK" --publish "$DEPLOY_PUBLISH:20999" \
		--read-only --cap-drop ALL --security-opt no-new-privileges \
		--log-opt max-size=10m --log-opt max-file=3 \
		"$DEPLOY_NAME"
}

restart() {
	docker restart "$DEPLOY_NAME"
}

stop() {
	docker stop "$DEPLOY_NAME"
}

rm_container() {
	docker rm "$DEPLOY_NAME"
}

image() {
	docker image ls "$DEPLOY_NAME"
}

prune() {
	docker image prune --force --filter label=org.opencontainers.image.title=kae
}

# replace puts a container of the newest image in the place of what runs.
replace() {
	ready
	if docker container inspect "$DEPLOY_NAME" >/dev/null 2>&1; then
		stop >/dev/null && rm_container >/dev/null || return
	fi
	run
}

# healthy waits until kae says that all is well. It asks inside the container,
# so that neither the proxy nor the name has to work already.
healthy() {
	local said end=$((SECONDS + DEPLOY_PATIENCE))
	until said=$(docker exec "$DEPLOY_NAME" /kae healthcheck 2>&1); do
		if [ $SECONDS -ge $end ]; then
			echo "$said" >&2
			return 1
		fi
		sleep 1
	done
	echo "$said"
}

# put_aside copies the database before a new kae changes it. The token that
# hears of the hourly backups hears nothing of it.
put_aside() {
	# What is broken already should not keep its mend out.
	docker exec "$DEPLOY_NAME" /kae healthcheck >/dev/null 2>&1 || return 0
	# There is no pg_dump in the image.
	! grep -Eq '^KAE_DB=(postgres|file:)' "$DEPLOY_DIR/kae.env" || return 0
	docker exec --env KAE_BACKUP_HEARTBEAT= "$DEPLOY_NAME" /kae backup /data/kae/before-deploy.db.zst
}

# swap builds the image and runs it, or else the one from before again, with
# the settings from before.
swap() {
	local before
	ready
	before=$(docker container inspect --format '{{.Image}}' "$DEPLOY_NAME" 2>/dev/null || true)
	if [ -n "$before" ]; then
		docker tag "$before" "$DEPLOY_NAME:before"
		cp -p "$DEPLOY_DIR/kae.env.running" "$DEPLOY_DIR/kae.env.before"
	fi
	build
	if [ -n "$before" ]; then
		put_aside || fail "the database can't be copied aside, so nothing was changed"
	fi
	if replace && healthy; then
		prune
		return
	fi
	echo "What the new kae wrote last:" >&2
	docker logs --tail 20 "$DEPLOY_NAME" >&2 || true
	[ -n "$before" ] || fail "the new kae is not healthy, and there is no image from before to go back to"
	docker tag "$DEPLOY_NAME:before" "$DEPLOY_NAME"
	cp -p "$DEPLOY_DIR/kae.env.before" "$DEPLOY_DIR/kae.env"
	if replace && healthy; then
		fail "the new kae was not healthy; the one from before runs again"
	fi
	fail "neither the new kae nor the one from before is healthy; if the database is the reason, the one from before the deployment is $DEPLOY_DATA/before-deploy.db.zst (kae restore)"
}

case ${1:-} in
deploy)
	ship
	on_host swap
	;;
rsync) ship ;;
rm) on_host rm_container ;;
build | run | restart | stop | image | prune | replace) on_host "$1" ;;
*) fail "give one of deploy, rsync, build, run, restart, stop, rm, image, prune, replace" ;;
esac
