package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"kae"
)

const deliveryColumns = `id, channel_id, token_id, n, at, from_status, to_status, reason, fired, slot,
	made_at, state, due_at, batch, attempts, answer, settled_at`

// New deliveries take the next numbers, in the order of their alerts. A firing
// is for every channel, its end for those that were to be told of it.
var addDeliveries = many{
	before: "WITH v (i, token_id, n, at, from_status, to_status, reason, fired, slot, made_at) AS (VALUES ",
	first:  typed("BBBBTTTBBB"), row: marks(10), most: maxRows,
	after: ") INSERT INTO deliveries (" + deliveryColumns + `)
	SELECT (SELECT COALESCE(MAX(id), 0) FROM deliveries) + ROW_NUMBER() OVER (ORDER BY v.i, c.id), c.id,
	v.token_id, v.n, v.at, v.from_status, v.to_status, v.reason, v.fired, v.slot, v.made_at, 'waiting', v.made_at, 0, 0, '', 0
	FROM v, channels c WHERE c.removed_at = 0 AND (v.to_status = 'firing' OR EXISTS (
		SELECT 1 FROM deliveries d WHERE d.token_id = v.token_id AND d.channel_id = c.id AND d.fired = v.fired))`,
}

// Alert implements [kae.Tx]. What one statement writes it does not see, so a
// token's alerts go into several.
func (t *tx) Alert(alerts []kae.Alert, now time.Time) error {
	for len(alerts) > 0 {
		n, seen := 0, map[int64]bool{}
		for n < len(alerts) && !seen[alerts[n].TokenID] {
			seen[alerts[n].TokenID] = true
			n++
		}
		err := t.rows(&addDeliveries, n, func(args []any, i int) []any {
			a := &alerts[i]
			return append(args, int64(i), a.TokenID, a.Number, micros(a.At), string(a.From), string(a.To), string(a.Reason),
				micros(a.Fired), micros(a.Due), micros(now))
		})
		if err != nil {
			return err
		}
		alerts = alerts[n:]
	}
	return nil
}

const channelColumns = "id, name, kind, settings, created_at, removed_at, last_at, failing_since, problem"

// Channels implements [kae.Outbox].
func (s *Store) Channels(ctx context.Context) (all []kae.Channel, err error) {
	err = s.read(ctx, func(ctx context.Context, c *conn) error {
		all = nil
		return c.each(ctx, "SELECT "+channelColumns+" FROM channels WHERE removed_at = 0 ORDER BY id", nil, func(rows *sql.Rows) error {
			var c kae.Channel
			var settings string
			var created, removed, last, failing int64
			if err := rows.Scan(&c.ID, &c.Name, &c.Kind, &settings, &created, &removed, &last, &failing, &c.Problem); err != nil {
				return err
			}
			c.CreatedAt, c.RemovedAt, c.LastAt, c.FailingSince = moment(created), moment(removed), moment(last), moment(failing)
			all = append(all, c)
			return json.Unmarshal([]byte(settings), &all[len(all)-1].Settings)
		})
	})
	return all, err
}

// PutChannel implements [kae.Outbox].
func (s *Store) PutChannel(ctx context.Context, c kae.Channel) (int64, error) {
	err := s.Write(ctx, func(kt kae.Tx) error {
		t := kt.(*tx)
		if err := t.begin(); err != nil {
			return err
		}
		if c.ID == 0 {
			if err := t.note(t.c.row(t.ctx, "SELECT COALESCE(MAX(id), 0) + 1 FROM channels", nil, &c.ID)); err != nil {
				return err
			}
		}
		if err := t.putChannel(c); err != nil || !c.Removed() {
			return err
		}
		return t.exec("UPDATE deliveries SET state = 'given up', answer = 'The channel was removed.', settled_at = ? WHERE channel_id = ? AND state = 'waiting'",
			append(t.buffer(), micros(c.RemovedAt), c.ID))
	})
	return c.ID, err
}

func (t *tx) putChannel(c kae.Channel) error {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO channels ("+channelColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, settings = excluded.settings, removed_at = excluded.removed_at`,
		append(t.buffer(), c.ID, c.Name, c.Kind, string(settings), micros(c.CreatedAt), micros(c.RemovedAt), micros(c.LastAt), micros(c.FailingSince), c.Problem))
}

// Deliveries implements [kae.Outbox].
func (s *Store) Deliveries(ctx context.Context, q kae.DeliveryQuery) ([]kae.Delivery, error) {
	text, args := "SELECT "+deliveryColumns+" FROM deliveries WHERE 1 = 1", []any{}
	add := func(condition string, value int64) {
		if value != 0 {
			text, args = text+condition, append(args, value)
		}
	}
	add(" AND channel_id = ?", q.ChannelID)
	add(" AND token_id = ?", q.TokenID)
	add(" AND id < ?", q.Before)
	return s.deliveries(ctx, text+" ORDER BY id DESC LIMIT ?", append(args, q.Limit))
}

// Waiting implements [kae.Outbox].
func (s *Store) Waiting(ctx context.Context) ([]kae.Delivery, error) {
	return s.deliveries(ctx, "SELECT "+deliveryColumns+" FROM deliveries WHERE state = 'waiting' ORDER BY id", nil)
}

func (s *Store) deliveries(ctx context.Context, text string, args []any) (all []kae.Delivery, err error) {
	err = s.read(ctx, func(ctx context.Context, c *conn) error {
		all = nil
		return c.each(ctx, text, args, func(rows *sql.Rows) error {
			var d kae.Delivery
			var at, fired, slot, made, due, settled int64
			err := rows.Scan(&d.ID, &d.ChannelID, &d.TokenID, &d.Number, &at, &d.From, &d.To, &d.Reason, &fired, &slot,
				&made, &d.State, &due, &d.Batch, &d.Attempts, &d.Answer, &settled)
			d.At, d.Fired, d.Due = moment(at), moment(fired), moment(slot)
			d.MadeAt, d.DueAt, d.SettledAt = moment(made), moment(due), moment(settled)
			all = append(all, d)
			return err
		})
	})
	return all, err
}

// Settle implements [kae.Outbox].
func (s *Store) Settle(ctx context.Context, all []kae.Delivery, c kae.Channel, now time.Time) error {
	return s.Write(ctx, func(kt kae.Tx) error {
		t := kt.(*tx)
		if err := t.begin(); err != nil {
			return err
		}
		for _, d := range all {
			err := t.exec("UPDATE deliveries SET state = ?, due_at = ?, batch = ?, attempts = ?, answer = ?, settled_at = ? WHERE id = ? AND state = 'waiting'",
				append(t.buffer(), string(d.State), micros(d.DueAt), d.Batch, d.Attempts, d.Answer, micros(d.SettledAt), d.ID))
			if err != nil {
				return err
			}
		}
		err := t.exec("UPDATE channels SET last_at = ?, failing_since = ?, problem = ? WHERE id = ?",
			append(t.buffer(), micros(c.LastAt), micros(c.FailingSince), c.Problem, c.ID))
		if err != nil {
			return err
		}
		return t.exec(`DELETE FROM deliveries WHERE settled_at > 0 AND settled_at < ? AND NOT EXISTS (
			SELECT 1 FROM tokens t WHERE t.id = deliveries.token_id AND t.flipped_at = deliveries.fired)`,
			// Of a firing that goes on it has to be known who was told.
			append(t.buffer(), micros(now.Add(-kae.DeliveriesKept))))
	})
}
