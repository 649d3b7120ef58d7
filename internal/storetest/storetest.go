// Package storetest is what every engine of a [kae.Store] has to pass: the
// contract of store.go in the root package, as tests.
package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kae"
)

// Open opens one database, made where there is none. It is called again after
// the store was closed, and while it is open, which has to fail.
type Open func() (kae.Store, error)

// Run runs the suite. place gives a database of its own to each test.
func Run(t *testing.T, place func(t *testing.T) Open) {
	for _, c := range slices.Concat(tokenCases, journalCases, historyCases, outboxCases, failureCases) {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			db := &database{T: t, open: place(t)}
			db.reopen()
			t.Cleanup(func() { db.store.Close() })
			c.run(db)
		})
	}
}

type testCase struct {
	name string // a sentence about the store
	run  func(*database)
}

// database is the one that a test uses, with a keeper's knowledge: it makes
// positions up.
type database struct {
	*testing.T
	open  Open
	store kae.Store
	pos   int64
}

// reopen ends what there is, as a restart does.
func (db *database) reopen() {
	db.Helper()
	if db.store != nil {
		if err := db.store.Close(); err != nil {
			db.Fatalf("Close: %v", err)
		}
	}
	s, err := db.open()
	if err != nil {
		db.Fatalf("open: %v", err)
	}
	db.store = s
}

// write writes what has to succeed.
func (db *database) write(f func(kae.Tx) error) {
	db.Helper()
	if err := db.store.Write(db.Context(), f); err != nil {
		db.Fatalf("Write: %v", err)
	}
}

// saved is a token as it was read.
type saved struct {
	Token kae.Token
	Pos   int64
}

// content is what Read gave; tokens are sorted by id.
type content struct {
	Clock  kae.Clock
	Tokens []saved
	Beats  []kae.Heartbeat
}

func (db *database) read(after int64) content {
	db.Helper()
	c, err := db.tryRead(db.Context(), after)
	if err != nil {
		db.Fatalf("Read: %v", err)
	}
	return c
}

func (db *database) tryRead(ctx context.Context, after int64) (c content, err error) {
	c.Clock, err = db.store.Read(ctx, after,
		func(t kae.Token, pos int64) { c.Tokens = append(c.Tokens, saved{t, pos}) },
		func(h kae.Heartbeat) { c.Beats = append(c.Beats, h) })
	slices.SortFunc(c.Tokens, func(a, b saved) int { return int(a.Token.ID - b.Token.ID) })
	return c, err
}

func (db *database) history(t kae.Token, q kae.HistoryQuery) kae.History {
	db.Helper()
	h, err := db.store.History(db.Context(), t, q)
	if err != nil {
		db.Fatalf("History: %v", err)
	}
	return h
}

// equal compares times by what they are, and no rows with an empty list.
func (db *database) equal(what string, got, want any) {
	db.Helper()
	if diff := cmp.Diff(want, got, exact...); diff != "" {
		db.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var exact = []cmp.Option{cmpopts.EquateEmpty(), cmp.AllowUnexported(kae.Schedule{})}

// start is when everything in these tests begins.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// at gives a moment n seconds after the start.
func at(n int64) time.Time { return start.Add(time.Duration(n) * time.Second) }

// token makes a new token.
func token(id int64) kae.Token {
	return kae.Token{
		ID: id, Value: fmt.Sprintf("value-%d", id), UUID: fmt.Sprintf("uuid-%d", id), Name: fmt.Sprintf("Token %d", id),
		Schedule: kae.Every(time.Minute), Status: kae.New, CreatedAt: start,
	}
}

// add writes new tokens.
func (db *database) add(tokens ...kae.Token) {
	db.Helper()
	db.pos++
	db.write(func(tx kae.Tx) error { return tx.PutTokens(tokens, db.pos) })
}

// beat makes a token's next heartbeat and moves the token; it writes nothing.
func (db *database) beat(t *kae.Token, body ...byte) kae.Heartbeat {
	db.pos++
	c := t.Beat(kae.Heartbeat{Pos: db.pos, At: at(db.pos), Kind: kae.Log, Message: fmt.Sprintf("at %d", db.pos), Body: body, BodySize: len(body)})
	*t = c.Token
	return *c.Beat
}

// beats writes rounds of one heartbeat of each token, all in one transaction,
// and gives what was written.
func (db *database) beats(rounds int, tokens ...*kae.Token) []kae.Heartbeat {
	db.Helper()
	var all []kae.Heartbeat
	for range rounds {
		for _, t := range tokens {
			all = append(all, db.beat(t))
		}
	}
	db.write(func(tx kae.Tx) error { return tx.Append(all) })
	return all
}

// of gives a token's heartbeats, newest first.
func of(t kae.Token, beats []kae.Heartbeat) []kae.Heartbeat {
	var its []kae.Heartbeat
	for _, h := range slices.Backward(beats) {
		if h.TokenID == t.ID {
			its = append(its, h)
		}
	}
	return its
}

// cut takes the journal away up to a position, as if the tokens' newest keep
// heartbeats were kept.
func (db *database) cut(to, keep int64, tokens ...*kae.Token) {
	db.Helper()
	db.write(func(tx kae.Tx) error {
		return tx.Cut(to, func(id int64) int64 {
			for _, t := range tokens {
				if t.ID == id {
					return max(0, t.Beats-keep)
				}
			}
			return -1
		})
	})
}
