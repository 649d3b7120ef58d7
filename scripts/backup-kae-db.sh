#!/bin/sh
# Backs kae's database up, for cron:
#
#   17 * * * * KAE_DB=/data/kae/kae.sqlite /usr/local/bin/backup-kae-db.sh s3://my-backups/kae
#
# What has to be set, here or in the file that KAE_ENV names (/etc/kae/backup.env):
# AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL_S3 for a bucket;
# KAE_BACKUP_HEARTBEAT, the token that is told, and KAE_URL, where its kae is.
set -eu

env=${KAE_ENV:-/etc/kae/backup.env}
if [ -r "$env" ]; then
	set -a
	. "$env"
	set +a
fi

to=${1:-${KAE_BACKUP_TO:?give a place: backup-kae-db.sh s3://bucket/prefix}}
exec "${KAE:-kae}" backup "$to"
