// Package kae is a dead man's switch: it keeps an eye on what runs by itself.
//
// Each process that should run again and again gets a [Token] with a
// [Schedule]. After each good run the process requests the token's URL: a
// [Heartbeat]. When no heartbeat comes by the token's deadline, the token
// fires: the console shows it, and channels are told.
//
// kae is a small state machine. Its state (every token, its deadline, what it
// last heard) is in memory; a journal of heartbeats and a recent copy of the
// state are in the database. Whatever changes a token is committed before it
// is acknowledged, shown or told to anybody, and only then installed in
// memory. After a crash the state is what it was at the last commit.
//
// This package holds the words, the rules and the contracts, and needs only
// the standard library:
//
//   - token.go, heartbeat.go, schedule.go: the nouns;
//   - cron.go, calendar.go: expressions by the clock, read into the sets of a
//     pattern, whose walk from change to change of the clocks finds the next
//     expected time; zone.go: whose clock;
//   - change.go, beat.go: the rules, as pure functions from a token to a [Change];
//   - alert.go: which changes are told, and what becomes of a message;
//   - policy.go, window.go: which channels hear of them, and when;
//   - slots.go: what became of each expected time; track.go: how that is
//     remembered;
//   - history.go: how a token did, from its flips;
//   - store.go: what a database must do;
//   - error.go: errors with a code for the machine and a sentence for people.
//
// The adapters are under internal/: roster (the tokens in memory), keeper (the
// loop that owns heartbeats and time), hub (changes to whoever listens),
// sqlstore (SQLite and PostgreSQL), web (heartbeats and console), notify
// (alerts on their way to channels), wrapper (commands that are run and
// reported), backup (copies of a database) and demo (made-up tokens to look
// at). cmd/kae wires them together.
package kae
