package kae

import (
	"context"
	"time"
)

// Clock is what the database knows of kae itself, in one row.
type Clock struct {
	AliveAt time.Time // when kae was last known to take heartbeats; zero in a new database
	Pos     int64     // the newest position when the row was written
	Safe    int64     // every journal row up to here is in its token's saved state
	LastID  int64     // the largest token id ever given, so that none is given twice
	Head    int64     // one before the oldest position in the journal; read, never written
}

// Store is a database of tokens, their heartbeats and their flips. One process
// uses it at a time: opening it a second time fails.
//
// Positions number what is written, in the order of commits. Their caller
// makes them up, each larger than all before: one for each row of the journal,
// and one for a transaction that writes token rows without a heartbeat.
//
// A journal row is a heartbeat that moved its token as [Token.Beat] says and
// did nothing else. All that a heartbeat does beyond that (a flip) and all that
// time or people do (an expiry, an excuse, an edit) writes the token's whole
// row in the same transaction, so what is replayed over a token's row are only
// the journal rows after the row's position.
//
// Errors are of code [Unavailable] when the database can't be used now. An
// error of Write leaves in doubt whether the transaction was committed; the
// store then discards its connection, and Read finds out.
type Store interface {
	// Read reads in one snapshot what was written after a position: the
	// clock, then each token with the position up to which it is saved, in
	// any order, then the journal in order. From a position below zero on it
	// reads all tokens, and the journal from the clock's safe position on.
	Read(ctx context.Context, after int64, token func(t Token, pos int64), beat func(Heartbeat)) (Clock, error)

	// Write runs f in one transaction and returns when it is committed and
	// synced. An error of f rolls it back and is returned.
	Write(ctx context.Context, f func(Tx) error) error

	// History reads one token's heartbeats and flips in one snapshot.
	History(ctx context.Context, t Token, q HistoryQuery) (History, error)

	// Gaps reads when kae could take no heartbeat, the oldest first.
	Gaps(ctx context.Context) ([]Gap, error)

	// Body reads the body of one heartbeat; NotFound when there is none or it
	// is no longer kept.
	Body(ctx context.Context, tokenID, number int64) ([]byte, error)

	// Close ends all use of the database.
	Close() error
}

// Tx is one write transaction of a [Store]. After an error of any of its
// methods it can only be rolled back.
type Tx interface {
	// Append adds heartbeats to the journal, in the order of their positions.
	Append(beats []Heartbeat) error

	// PutTokens writes whole rows, new or not: settings, state, and pos as
	// the position up to which the state is saved.
	PutTokens(tokens []Token, pos int64) error

	// SaveTokens writes the state, not the settings, of tokens that exist and
	// were saved up to a smaller position.
	SaveTokens(tokens []Token, pos int64) error

	// AddFlips writes flips and drops those of the same tokens that are no
	// longer among their newest keep.
	AddFlips(flips []Flip, keep int64) error

	// Alert writes what waits from now on in the [Outbox], in order. A
	// delivery without a channel is for those that have one of the firing that
	// it ends. Of each it takes the channel and the alert.
	Alert(deliveries []Delivery, now time.Time) error

	// AddGap writes a gap and drops the oldest beyond the newest [GapsKept].
	AddGap(g Gap) error

	// SetClock replaces the clock.
	SetClock(c Clock) error

	// Cut takes the journal's rows up to a position away. Of each token,
	// floor tells the number above which heartbeats are kept (they move to
	// where History finds them); a negative one means that the token is gone.
	Cut(to int64, floor func(tokenID int64) int64) error

	// Forget drops tokens with all that is theirs, but for journal rows,
	// which Cut drops.
	Forget(tokenIDs []int64) error
}

// HistoryQuery says what of a token's history to read.
type HistoryQuery struct {
	BeatsBefore int64 // heartbeats with a smaller number; 0: from the newest
	FlipsBefore int64 // flips with a smaller number; 0: from the newest
	Limit       int   // at most so many of each
	Bodies      bool  // with the heartbeats' bodies
}

// History is a part of a token's history, newest first.
type History struct {
	Beats []Heartbeat
	Flips []Flip
	Gaps  []Gap // the newest of kae's own, at most Limit
}

// Health tells how kae itself is doing.
type Health struct {
	LastCommit   time.Time // of whatever kind, the sign of life included
	FailingSince time.Time // zero unless the store fails
	Overdue      int       // tokens overdue by more than a second that do not fire
}
