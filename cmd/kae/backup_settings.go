package main

import (
	"time"

	"kae/internal/backup"
	"kae/internal/wrapper"
)

// ofBackups are the commands that may have to do with an S3 server.
const ofBackups = "serve backup restore check"

// backupSettings are the settings of kae backup and of what is like it.
var backupSettings = []setting{
	{
		flag: "backup-every", env: "KAE_BACKUP_EVERY", shown: "never", unit: "length of time, 1m to 30d",
		help: "Make a backup that often, by itself. The first one is due that long after the newest that is there.",
		set: func(c *config, text string) (err error) {
			if c.every, err = parseLength(text); err == nil && (c.every < time.Minute || c.every > 30*24*time.Hour) {
				return possible("a length of time from 1m to 30d")
			}
			return err
		},
	},
	{
		flag: "backup-to", env: "KAE_BACKUP_TO", shown: "none", unit: "place",
		help: "Where these backups go: a directory, s3://bucket/prefix, or a file, compressed if its name ends in .zst.",
		set: func(c *config, text string) error {
			c.to = text
			return nil
		},
	},
	{
		flag: "backup-heartbeat", env: "KAE_BACKUP_HEARTBEAT", shown: "none", unit: "token", secret: true,
		help: "A token of this kae, or the URL of another one's, that is told of each of these backups, also when it failed. It may stand in a file: file:/path.",
		set: func(c *config, text string) (err error) {
			if c.backedUp, err = readSecret(text); err == nil && !wrapper.IsToken(c.backedUp) {
				return possible("a token's value or UUID, or a whole URL")
			}
			return err
		},
	},
	{
		of: "backup", flag: "heartbeat", env: "KAE_BACKUP_HEARTBEAT", shown: "none", unit: "token", secret: true,
		help: "A token that is told how the backup went: a value, a UUID, a whole URL, or file:/path of a file that holds one of them.",
		set: func(c *config, text string) (err error) {
			c.backedUp, err = readSecret(text)
			return err
		},
	},
	{
		of: "backup", flag: "url", env: "KAE_URL", value: "http://127.0.0.1:20999", unit: "URL",
		help: "Where the kae of -heartbeat is. It does not matter for a token that is a whole URL.",
		set: func(c *config, text string) (err error) {
			c.url, err = parseURL(text)
			return err
		},
	},
	keeps("keep-hourly", "KAE_KEEP_HOURLY", "24", "hours", func(k *backup.Keep) *int { return &k.Hourly }),
	keeps("keep-daily", "KAE_KEEP_DAILY", "30", "days", func(k *backup.Keep) *int { return &k.Daily }),
	keeps("keep-monthly", "KAE_KEEP_MONTHLY", "12", "months", func(k *backup.Keep) *int { return &k.Monthly }),
	{
		of: ofBackups, flag: "s3-endpoint", env: "AWS_ENDPOINT_URL_S3", shown: "Amazon's", unit: "URL",
		help: "The S3 server: https://host, with a port where it has another one.",
		set: func(c *config, text string) error {
			c.s3.Endpoint = text // judged when it is used: other programs have this variable, too
			return nil
		},
	},
	{
		of: ofBackups, flag: "s3-region", env: "AWS_REGION", shown: "the bucket's", unit: "name",
		help: "The region of the S3 server. Others than Amazon's are taken to be in us-east-1.",
		set: func(c *config, text string) error {
			c.s3.Region = text
			return nil
		},
	},
	{
		of: ofBackups, env: "AWS_ACCESS_KEY_ID", shown: "none", unit: "key", secret: true,
		help: "The key for the S3 server. Without it the one of ~/.aws/credentials is taken or, at Amazon, the machine's role.",
		set: func(c *config, text string) error {
			c.s3.Key = text
			return nil
		},
	},
	{
		of: ofBackups, env: "AWS_SECRET_ACCESS_KEY", shown: "none", unit: "key", secret: true,
		help: "What belongs to AWS_ACCESS_KEY_ID. It may stand in a file: file:/path.",
		set: func(c *config, text string) (err error) {
			c.s3.Secret, err = readSecret(text)
			return err
		},
	},
	{
		of: ofBackups, env: "AWS_SESSION_TOKEN", shown: "none", unit: "key", secret: true,
		help: "What belongs to a key that ends after a while. It may stand in a file: file:/path.",
		set: func(c *config, text string) (err error) {
			c.s3.Session, err = readSecret(text)
			return err
		},
	},
}

// keeps is one of the numbers that say which backups stay.
func keeps(flag, env, value, of string, which func(*backup.Keep) *int) setting {
	return setting{
		of: "serve backup", flag: flag, env: env, value: value, unit: "number, 0 to 10000",
		help: "Of how many " + of + " the newest backup stays in a directory or bucket; others of the same kind of name are removed after the next backup. With 0 in all three, none is.",
		set: func(c *config, text string) error {
			n, err := parseWhole(text, "number", 0, 10_000)
			*which(&c.keeping) = int(n)
			return err
		},
	}
}
