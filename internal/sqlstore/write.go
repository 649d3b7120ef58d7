package sqlstore

import (
	"context"
	"errors"
	"slices"

	"kae"
)

// Write implements [kae.Store].
func (s *Store) Write(ctx context.Context, f func(kae.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.connected(ctx)
	if err != nil {
		return s.explain(err)
	}
	t := &tx{s: s, ctx: s.d.context(ctx), c: c}
	clean := false
	defer func() {
		t.over = true
		if !clean { // a panic of f too
			s.drop()
		}
	}()
	if err := f(t); err != nil {
		clean = t.err == nil && t.rollback() == nil
		return err
	}
	if err := t.commit(); err != nil {
		return s.explain(err)
	}
	clean = true
	return nil
}

// tx is one write transaction.
//
// The first statement is held back: if it stays the only one it needs no BEGIN
// and COMMIT around it, which spares the most frequent transaction (a turn of
// plain heartbeats) two of three round trips. Its error is then Write's.
type tx struct {
	s    *Store
	ctx  context.Context
	c    *conn
	open bool  // BEGIN was sent
	over bool  // the transaction has ended
	err  error // the first error of a statement: what was done can't be kept
	held string
	args []any // of the statement held back
}

var errOver = errors.New("the transaction is over")

// buffer gives a slice for a statement's arguments that is not in use: the
// first is the held statement's.
func (t *tx) buffer() []any { return t.s.args[t.slot()][:0] }

func (t *tx) slot() int {
	if t.held != "" {
		return 1
	}
	return 0
}

// exec runs a statement whose arguments are in a buffer.
func (t *tx) exec(text string, args []any) error {
	switch {
	case t.over:
		return t.s.explain(errOver)
	case t.err != nil:
		return t.err
	}
	t.s.args[t.slot()] = args
	if !t.open && t.held == "" {
		t.held, t.args = text, args
		return nil
	}
	if err := t.begin(); err != nil {
		return err
	}
	return t.note(t.c.exec(t.ctx, text, args...))
}

// begin begins the transaction in earnest, with the statement held back.
func (t *tx) begin() error {
	if t.over {
		return t.s.explain(errOver)
	}
	if t.open || t.err != nil {
		return t.err
	}
	t.open = true
	if err := t.note(t.c.exec(t.ctx, t.s.d.begin)); err != nil || t.held == "" {
		return err
	}
	return t.note(t.c.exec(t.ctx, t.held, t.args...))
}

// note remembers the first error.
func (t *tx) note(err error) error {
	if err != nil && t.err == nil {
		t.err = t.s.explain(err)
	}
	return t.err
}

func (t *tx) commit() error {
	switch {
	case t.err != nil:
		return t.err
	case t.open:
		return t.c.exec(t.ctx, "COMMIT")
	case t.held != "":
		return t.c.exec(t.ctx, t.held, t.args...)
	}
	return nil
}

func (t *tx) rollback() error {
	if !t.open {
		return nil
	}
	return t.c.exec(t.ctx, "ROLLBACK")
}

// rows runs a statement over n rows in portions.
func (t *tx) rows(m *many, n int, add func(args []any, i int) []any) error {
	for from := 0; from < n; from += m.most {
		to := min(from+m.most, n)
		args := t.buffer()
		for i := from; i < to; i++ {
			args = add(args, i)
		}
		if err := t.exec(m.text(to-from), args); err != nil {
			return err
		}
	}
	return nil
}

var appendBeats = many{before: "INSERT INTO journal (" + beatColumns + ") VALUES ", row: marks(beatWidth), most: maxRows}

// Most heartbeats say nothing but that they came. Leaving the columns of the
// rest to their defaults binds a third fewer parameters.
var appendPlain = many{before: "INSERT INTO journal (" + plainColumns + ") VALUES ", row: marks(plainWidth), most: maxRows}

// appendChunk adds heartbeats of one statement.
func (t *tx) appendChunk(beats []kae.Heartbeat) error {
	if slices.ContainsFunc(beats, func(h kae.Heartbeat) bool { return !plain(&h) }) {
		return t.rows(&appendBeats, len(beats), func(args []any, i int) []any { return beatArgs(args, &beats[i]) })
	}
	return t.rows(&appendPlain, len(beats), func(args []any, i int) []any { return plainArgs(args, &beats[i]) })
}

var putBodies = many{
	before: "INSERT INTO bodies (token_id, slot, n, body) VALUES ", row: marks(4), most: 16,
	after: " ON CONFLICT (token_id, slot) DO UPDATE SET n = excluded.n, body = excluded.body",
}

// Append implements [kae.Tx].
func (t *tx) Append(beats []kae.Heartbeat) error {
	for chunk := range slices.Chunk(beats, maxRows) {
		if err := t.appendChunk(chunk); err != nil {
			return err
		}
	}
	type slot struct{ token, slot int64 }
	var place map[slot]int // of a body in bodies
	var bodies []*kae.Heartbeat
	for i := range beats {
		if len(beats[i].Body) == 0 {
			continue
		}
		if place == nil {
			place = map[slot]int{}
		}
		// One statement can't write a row twice: the later one counts.
		in := slot{beats[i].TokenID, beats[i].Number % kae.BodiesKept}
		if at, taken := place[in]; taken {
			bodies[at] = &beats[i]
			continue
		}
		place[in] = len(bodies)
		bodies = append(bodies, &beats[i])
	}
	return t.rows(&putBodies, len(bodies), func(args []any, i int) []any {
		h := bodies[i]
		return append(args, h.TokenID, h.Number%kae.BodiesKept, h.Number, h.Body)
	})
}

var putTokens = many{
	before: "INSERT INTO tokens (" + tokenColumns + ") VALUES ", row: marks(tokenWidth), most: maxRows,
	after: ` ON CONFLICT (id) DO UPDATE SET value = excluded.value, uuid = excluded.uuid, name = excluded.name,
	description = excluded.description, tags = excluded.tags, schedule = excluded.schedule, zone = excluded.zone,
	grace = excluded.grace, max_run = excluded.max_run, fire_after = excluded.fire_after,
	body_has = excluded.body_has, body_lacks = excluded.body_lacks, post_only = excluded.post_only, created_at = excluded.created_at, removed_at = excluded.removed_at, pos = excluded.pos,
	status = excluded.status, reason = excluded.reason, flipped_at = excluded.flipped_at,
	unknown = excluded.unknown, beats = excluded.beats, flips = excluded.flips, last_pos = excluded.last_pos,
	since = excluded.since, last_at = excluded.last_at, strikes = excluded.strikes, runs = excluded.runs,
	took = excluded.took, track = excluded.track,
	acked_at = excluded.acked_at, acked_by = excluded.acked_by, acked_why = excluded.acked_why, snoozed_until = excluded.snoozed_until`,
}

// PutTokens implements [kae.Tx].
func (t *tx) PutTokens(tokens []kae.Token, pos int64) error {
	return t.rows(&putTokens, len(tokens), func(args []any, i int) []any { return tokenArgs(args, &tokens[i], pos) })
}

var saveTokens = many{
	before: "WITH v (" + stateColumns + ") AS (VALUES ", first: typed(stateTypes), row: marks(len(stateTypes)), most: 32,
	after: `) UPDATE tokens SET pos = v.pos, status = v.status, reason = v.reason, flipped_at = v.flipped_at,
	unknown = v.unknown, beats = v.beats, flips = v.flips, last_pos = v.last_pos,
	since = v.since, last_at = v.last_at, strikes = v.strikes, runs = v.runs,
	took = v.took, track = v.track
	FROM v WHERE tokens.id = v.id AND tokens.pos < v.pos`,
}

// SaveTokens implements [kae.Tx].
func (t *tx) SaveTokens(tokens []kae.Token, pos int64) error {
	return t.rows(&saveTokens, len(tokens), func(args []any, i int) []any { return stateArgs(args, &tokens[i], pos) })
}

var addFlips = many{
	before: "INSERT INTO flips (token_id, n, at, from_status, to_status, reason, note) VALUES ", row: marks(7), most: maxRows,
}

// AddFlips implements [kae.Tx].
func (t *tx) AddFlips(flips []kae.Flip, keep int64) error {
	err := t.rows(&addFlips, len(flips), func(args []any, i int) []any {
		f := &flips[i]
		return append(args, f.TokenID, f.Number, micros(f.At), string(f.From), string(f.To), string(f.Reason), f.Note)
	})
	if err != nil {
		return err
	}
	floors := map[int64]int64{}
	for _, f := range flips {
		if f.Number > keep {
			floors[f.TokenID] = max(floors[f.TokenID], f.Number-keep)
		}
	}
	return t.trim(&trimFlips, floors)
}

// AddGap implements [kae.Tx].
func (t *tx) AddGap(g kae.Gap) error {
	err := t.exec(`INSERT INTO gaps (n, from_at, to_at)
		SELECT COALESCE(MAX(n), 0) + 1, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM gaps`,
		append(t.buffer(), micros(g.From), micros(g.To)))
	if err != nil {
		return err
	}
	return t.exec("DELETE FROM gaps WHERE n <= (SELECT MAX(n) FROM gaps) - ?", append(t.buffer(), int64(kae.GapsKept)))
}

// SetClock implements [kae.Tx].
func (t *tx) SetClock(c kae.Clock) error {
	return t.exec("UPDATE clock SET alive_at = ?, pos = ?, safe = ?, last_id = ?",
		append(t.buffer(), micros(c.AliveAt), c.Pos, c.Safe, c.LastID))
}
