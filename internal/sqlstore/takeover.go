package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"kae"
)

// original is a token of the original kae and what its pings tell.
type original struct {
	kae.Token
	newest []ping // unsorted, more than are kept
}

type ping struct{ at, id int64 } // at is in microseconds

// takeOver moves what the original kae left into kae's tables, in one
// transaction. keep is how many heartbeats each token keeps.
func (s *Store) takeOver(ctx context.Context, path string, keep int64) error {
	if keep <= 0 {
		keep = 1000
	}
	var tokens int
	err := s.Write(ctx, func(w kae.Tx) error {
		t := w.(*tx)
		if err := t.begin(); err != nil {
			return err
		}
		found, clock, err := t.originalTokens(time.Now())
		if err != nil {
			return t.note(err)
		}
		newest, err := t.takePings(found, keep)
		if err != nil {
			return t.note(err)
		}
		clock.AliveAt = newest
		all := make([]kae.Token, 0, len(found))
		for _, o := range found {
			all = append(all, o.Token)
		}
		tokens = len(all)
		if err := t.PutTokens(all, 0); err != nil {
			return err
		}
		if err := t.SetClock(clock); err != nil {
			return err
		}
		for _, table := range []string{originalPings, originalTokens} {
			if err := t.exec("DROP TABLE "+table, t.buffer()); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.log.Info("the original kae's database was upgraded", "db", path, "copy", s.upgraded, "tokens", tokens)
	}
	return err
}

// originalTokens reads the tokens, without their heartbeats, by id.
func (t *tx) originalTokens(now time.Time) (map[int64]*original, kae.Clock, error) {
	var clock kae.Clock
	found := map[int64]*original{}
	owner := map[string]*original{} // of a value
	// The driver would make something of its own of times and booleans.
	err := t.c.each(t.ctx, `SELECT id, CAST(token AS TEXT), CAST(name AS TEXT), CAST(description AS TEXT),
		COALESCE(CAST(interval AS INTEGER), 0), CAST(disabled AS TEXT),
		COALESCE(CAST(time_created AS TEXT), ''), COALESCE(CAST(time_deleted AS TEXT), '')
		FROM `+originalTokens+` ORDER BY id`, nil, func(rows *sql.Rows) error {
		var o original
		var seconds int64
		var disabled, created, removed string
		if err := rows.Scan(&o.ID, &o.Value, &o.Name, &o.Description, &seconds, &disabled, &created, &removed); err != nil {
			return err
		}
		o.UUID = kae.NewUUID()
		o.Status = kae.New
		if disabled != "0" {
			o.Status = kae.Disabled
		}
		// Far more than the longest interval would overflow as a Duration.
		o.Schedule = kae.Every(time.Duration(min(seconds, int64(kae.MaxInterval/time.Second))) * time.Second)
		if seconds <= 0 {
			o.Schedule, o.Status = kae.Every(24*time.Hour), kae.Disabled
		}
		o.clean()
		o.CreatedAt = originalTime(created, now)
		if removed != "" {
			o.RemovedAt = originalTime(removed, now)
		}
		first, taken := owner[o.Value]
		switch {
		case o.Value == "":
			o.Value = kae.NewValue()
		case !taken:
			owner[o.Value] = &o
		case first.Removed() && !o.Removed():
			owner[o.Value], first.Value = &o, kae.NewValue()
		default:
			o.Value = kae.NewValue()
		}
		clock.LastID = max(clock.LastID, o.ID)
		found[o.ID] = &o
		return nil
	})
	return found, clock, err
}

// clean makes the texts fit to be stored and shown.
func (o *original) clean() {
	o.Name = strings.TrimSpace(kae.CleanText(o.Name, kae.MaxName))
	if o.Name == "" {
		o.Name = fmt.Sprintf("Token %d", o.ID)
	}
	o.Description = kae.CleanText(o.Description, kae.MaxDescription)
	if o.Value != kae.CleanText(o.Value, kae.MaxName) {
		o.Value = "" // no text: nothing can have requested it
	}
}

var takeBeats = many{before: "INSERT INTO heartbeats (" + beatColumns + ") VALUES ", row: marks(beatWidth), most: maxRows}

// takePings writes the newest heartbeats of each token and what follows from
// them into the token. It gives the time of the newest of all.
func (t *tx) takePings(found map[int64]*original, keep int64) (time.Time, error) {
	var newest int64
	var o *original
	err := t.c.each(t.ctx, "SELECT id, token_id, COALESCE(CAST(last_heartbeat AS TEXT), '') FROM "+originalPings+" ORDER BY token_id", nil,
		func(rows *sql.Rows) error {
			var id, token int64
			var text string
			if err := rows.Scan(&id, &token, &text); err != nil {
				return err
			}
			if o == nil || o.ID != token {
				if err := t.takeBeats(o, keep); err != nil {
					return err
				}
				o = found[token]
			}
			at := micros(originalTime(text, time.Time{}))
			if o == nil || at == 0 {
				return nil // of no token, or of no time
			}
			newest = max(newest, at)
			o.Beats++
			o.newest = append(o.newest, ping{at, id})
			if int64(len(o.newest)) >= 4*keep {
				o.cut(keep)
			}
			return nil
		})
	if err == nil {
		err = t.takeBeats(o, keep)
	}
	return moment(newest), err
}

// cut leaves the newest pings, oldest first.
func (o *original) cut(keep int64) {
	slices.SortFunc(o.newest, func(a, b ping) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	o.newest = slices.Delete(o.newest, 0, max(0, len(o.newest)-int(keep)))
}

func (t *tx) takeBeats(o *original, keep int64) error {
	if o == nil || len(o.newest) == 0 {
		return nil
	}
	o.cut(keep)
	pings := o.newest
	o.newest = nil
	o.LastAt = moment(pings[len(pings)-1].at)
	o.Since = o.LastAt
	if o.Status == kae.New {
		o.Status = kae.Up
	}
	o.Track = trackOf(o.Schedule, pings)
	before := o.Beats - int64(len(pings))
	return t.rows(&takeBeats, len(pings), func(args []any, i int) []any {
		h := kae.Heartbeat{TokenID: o.ID, Number: before + int64(i) + 1, At: moment(pings[i].at), Kind: kae.Success}
		return beatArgs(args, &h)
	})
}

// trackOf tells what became of the slots, as kae would have seen it.
func trackOf(s kae.Schedule, pings []ping) kae.Track {
	t := kae.Token{Schedule: s, Status: kae.New}
	for _, p := range pings {
		at := moment(p.at)
		t = t.Expire(at).Token
		t = t.Beat(kae.Heartbeat{At: at, Kind: kae.Success}).Token
	}
	return t.Track
}

// originalTime reads the ways in which the original wrote times, in UTC where
// no zone is told; what can't be read is otherwise.
func originalTime(s string, otherwise time.Time) time.Time {
	for _, layout := range []string{
		"2006-01-02 15:04:05.999999999", time.RFC3339Nano,
		"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 -0700 MST",
	} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC().Truncate(time.Microsecond)
		}
	}
	return otherwise.UTC().Truncate(time.Microsecond)
}
