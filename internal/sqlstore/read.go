package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"kae"
)

// Read implements [kae.Store]. It reads on the connection that writes: once
// that one has the lock, nothing is in doubt any more.
func (s *Store) Read(ctx context.Context, after int64, token func(t kae.Token, pos int64), beat func(kae.Heartbeat)) (clock kae.Clock, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.connected(ctx)
	if err != nil {
		return clock, s.explain(err)
	}
	done := false
	defer func() {
		if !done {
			s.drop()
		}
	}()
	err = snapshot(s.d.context(ctx), c, func(ctx context.Context, c *conn) (err error) {
		if clock, err = readClock(ctx, c); err != nil {
			return err
		}
		err = c.each(ctx, "SELECT "+tokenColumns+" FROM tokens WHERE pos > ?", []any{after}, func(rows *sql.Rows) error {
			t, pos, err := scanToken(rows)
			if err == nil {
				s.checkZone(t)
				token(t, pos)
			}
			return err
		})
		if err != nil {
			return err
		}
		from := after
		if after < 0 {
			from = clock.Safe
		}
		return c.each(ctx, "SELECT "+beatColumns+" FROM journal WHERE pos > ? ORDER BY pos", []any{from}, func(rows *sql.Rows) error {
			h, err := scanBeat(rows)
			if err == nil {
				beat(h)
			}
			return err
		})
	})
	if err != nil {
		return kae.Clock{}, s.explain(err)
	}
	done = true
	return clock, nil
}

// checkZone tells the operator of a token whose clock is not known here.
func (s *Store) checkZone(t kae.Token) {
	if _, err := kae.LoadZone(t.Schedule.Zone().String()); err != nil {
		s.log.Warn("a token's time zone is not known here; it goes by UTC", "token", t.ID, "zone", t.Schedule.Zone().String())
	}
}

func readClock(ctx context.Context, c *conn) (clock kae.Clock, err error) {
	var alive int64
	// Nothing is cut that the clock does not know of: without a journal its
	// position is as good as the oldest row's.
	err = c.row(ctx, `SELECT alive_at, pos, safe, last_id, COALESCE((SELECT MIN(pos) - 1 FROM journal), pos) FROM clock`, nil,
		&alive, &clock.Pos, &clock.Safe, &clock.LastID, &clock.Head)
	clock.AliveAt = moment(alive)
	return clock, err
}

// History implements [kae.Store].
func (s *Store) History(ctx context.Context, t kae.Token, q kae.HistoryQuery) (kae.History, error) {
	var h kae.History
	err := s.read(ctx, func(ctx context.Context, c *conn) (err error) {
		h = kae.History{}
		if h.Beats, err = readBeats(ctx, c, t, q); err != nil {
			return err
		}
		if q.Bodies {
			if err := readBodies(ctx, c, t.ID, h.Beats); err != nil {
				return err
			}
		}
		if h.Flips, err = readFlips(ctx, c, t, q); err != nil {
			return err
		}
		return c.each(ctx, "SELECT from_at, to_at FROM gaps ORDER BY n DESC LIMIT ?", []any{q.Limit}, func(rows *sql.Rows) error {
			var from, to int64
			defer func() { h.Gaps = append(h.Gaps, kae.Gap{From: moment(from), To: moment(to)}) }()
			return rows.Scan(&from, &to)
		})
	})
	if err != nil {
		return kae.History{}, err
	}
	return h, nil
}

// Gaps implements [kae.Store].
func (s *Store) Gaps(ctx context.Context) (gaps []kae.Gap, err error) {
	err = s.read(ctx, func(ctx context.Context, c *conn) error {
		gaps = nil
		return c.each(ctx, "SELECT from_at, to_at FROM gaps ORDER BY n", nil, func(rows *sql.Rows) error {
			var from, to int64
			err := rows.Scan(&from, &to)
			gaps = append(gaps, kae.Gap{From: moment(from), To: moment(to)})
			return err
		})
	})
	return gaps, err
}

// below gives the number under which to read: the one asked for, or one more
// than the newest that the token knows of. What came after that is not shown
// beside an older state.
func below(asked, newest int64) int64 {
	if asked <= 0 {
		return newest + 1
	}
	return asked
}

// walk follows a token's heartbeats through the journal, newest first, until
// enough of those asked for were met. It needs no index by token.
const walk = `WITH RECURSIVE walk (pos, n, prev, met) AS (
	SELECT pos, n, prev, CASE WHEN n < CAST(? AS BIGINT) THEN 1 ELSE 0 END
	FROM journal WHERE pos = CAST(? AS BIGINT) AND token_id = CAST(? AS BIGINT)
	UNION ALL
	SELECT j.pos, j.n, j.prev, w.met + CASE WHEN j.n < CAST(? AS BIGINT) THEN 1 ELSE 0 END
	FROM walk w JOIN journal j ON j.pos = w.prev
	WHERE w.met < CAST(? AS BIGINT)
)
SELECT j.pos, j.token_id, j.n, j.prev, j.at, j.received, j.kind, j.exit_status, j.run_id, j.took,
	j.message, j.remote, j.agent, j.body_size
FROM walk w JOIN journal j ON j.pos = w.pos WHERE w.n < CAST(? AS BIGINT)`

// readBeats reads heartbeats from the journal and goes on in heartbeats, where
// those are that the journal no longer has.
func readBeats(ctx context.Context, c *conn, t kae.Token, q kae.HistoryQuery) (beats []kae.Heartbeat, err error) {
	add := func(rows *sql.Rows) error {
		h, err := scanBeat(rows)
		beats = append(beats, h)
		return err
	}
	under := below(q.BeatsBefore, t.Beats)
	limit := int64(q.Limit)
	if limit <= 0 {
		return nil, nil
	}
	if err := c.each(ctx, walk, []any{under, t.LastPos, t.ID, under, limit, under}, add); err != nil {
		return nil, err
	}
	slices.SortFunc(beats, func(a, b kae.Heartbeat) int { return cmp.Compare(b.Number, a.Number) })
	if n := len(beats); n > 0 {
		under = beats[n-1].Number
	}
	err = c.each(ctx, "SELECT "+beatColumns+" FROM heartbeats WHERE token_id = ? AND n < ? ORDER BY n DESC LIMIT ?",
		[]any{t.ID, under, limit - int64(len(beats))}, add)
	return beats, err
}

// readBodies adds the bodies that are kept to heartbeats, which are sorted.
func readBodies(ctx context.Context, c *conn, tokenID int64, beats []kae.Heartbeat) error {
	if len(beats) == 0 {
		return nil
	}
	at := make(map[int64]int, len(beats))
	for i := range beats {
		at[beats[i].Number] = i
	}
	return c.each(ctx, "SELECT n, body FROM bodies WHERE token_id = ? AND n BETWEEN ? AND ?",
		[]any{tokenID, beats[len(beats)-1].Number, beats[0].Number}, func(rows *sql.Rows) error {
			var n int64
			var body []byte
			err := rows.Scan(&n, &body)
			if i, asked := at[n]; asked && err == nil {
				beats[i].Body = body
			}
			return err
		})
}

func readFlips(ctx context.Context, c *conn, t kae.Token, q kae.HistoryQuery) (flips []kae.Flip, err error) {
	err = c.each(ctx, `SELECT n, at, from_status, to_status, reason, note FROM flips
		WHERE token_id = ? AND n < ? ORDER BY n DESC LIMIT ?`,
		[]any{t.ID, below(q.FlipsBefore, t.Flips), q.Limit}, func(rows *sql.Rows) error {
			f := kae.Flip{TokenID: t.ID}
			var at int64
			err := rows.Scan(&f.Number, &at, &f.From, &f.To, &f.Reason, &f.Note)
			f.At = moment(at)
			flips = append(flips, f)
			return err
		})
	return flips, err
}

// Body implements [kae.Store].
func (s *Store) Body(ctx context.Context, tokenID, number int64) ([]byte, error) {
	var body []byte
	err := s.read(ctx, func(ctx context.Context, c *conn) error {
		err := c.row(ctx, "SELECT body FROM bodies WHERE token_id = ? AND slot = ? AND n = ?",
			[]any{tokenID, number % kae.BodiesKept, number}, &body)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err == nil && body == nil {
		return nil, &kae.Error{Code: kae.NotFound, Message: "There is no body of this heartbeat, or it is no longer kept."}
	}
	return body, err
}
