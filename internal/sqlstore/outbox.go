package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"kae"
)

const deliveryColumns = `id, channel_id, token_id, n, at, from_status, to_status, reason, fired, slot, round,
	made_at, state, due_at, begun_at, batch, attempts, answer, settled_at`

const nextDelivery = "(SELECT COALESCE(MAX(id), 0) FROM deliveries)"

// New deliveries take the next numbers, in their order.
var addDeliveries = many{
	before: "WITH v (i, channel_id, token_id, n, at, from_status, to_status, reason, fired, slot, made_at) AS (VALUES ",
	first:  typed("BBBBBTTTBBB"), row: marks(11), most: maxRows,
	after: ") INSERT INTO deliveries (" + deliveryColumns + `)
	SELECT ` + nextDelivery + ` + ROW_NUMBER() OVER (ORDER BY v.i, c.id), c.id,
	v.token_id, v.n, v.at, v.from_status, v.to_status, v.reason, v.fired, v.slot, 0, v.made_at, 'waiting', v.made_at, 0, 0, 0, '', 0
	FROM v, channels c WHERE c.removed_at = 0 AND (v.channel_id = c.id OR v.channel_id = 0 AND EXISTS (
		SELECT 1 FROM deliveries d WHERE d.token_id = v.token_id AND d.channel_id = c.id AND d.fired = v.fired AND d.state <> 'spared'))`,
}

// Alert implements [kae.Tx]. What one statement writes it does not see, so the
// end of a firing goes into another one than the firing.
func (t *tx) Alert(all []kae.Delivery, now time.Time) error {
	for len(all) > 0 {
		n, seen := 0, map[int64]int64{}
		for n < len(all) {
			d := &all[n]
			if number, ok := seen[d.TokenID]; ok && (number != d.Number || d.ChannelID == 0) {
				break
			}
			seen[d.TokenID] = d.Number
			n++
		}
		err := t.rows(&addDeliveries, n, func(args []any, i int) []any {
			d := &all[i]
			return append(args, int64(i), d.ChannelID, d.TokenID, d.Number, micros(d.At), string(d.From), string(d.To), string(d.Reason),
				micros(d.Fired), micros(d.Due), micros(now))
		})
		if err != nil {
			return err
		}
		all = all[n:]
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
func (s *Store) PutChannel(ctx context.Context, c kae.Channel, policy func(id int64) *kae.Policy) (int64, error) {
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
		err := t.putChannel(c)
		if err == nil {
			err = t.putPolicy(policy(c.ID))
		}
		if err != nil || !c.Removed() {
			return err
		}
		return t.exec(`UPDATE deliveries SET state = CASE WHEN attempts = 0 AND due_at > ? THEN 'spared' ELSE 'given up' END,
			answer = 'The channel was removed.', settled_at = ? WHERE channel_id = ? AND state = 'waiting'`,
			append(t.buffer(), micros(c.RemovedAt), micros(c.RemovedAt), c.ID))
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

// Standing implements [kae.Outbox].
func (s *Store) Standing(ctx context.Context) ([]kae.Delivery, error) {
	return s.deliveries(ctx, "SELECT "+deliveryColumns+` FROM deliveries WHERE id IN (
		SELECT MAX(d.id) FROM tokens t JOIN deliveries d ON d.token_id = t.id AND d.fired = t.flipped_at
		WHERE t.status = 'firing' AND t.removed_at = 0 AND d.to_status = 'firing' AND d.state = 'delivered'
		GROUP BY d.token_id, d.channel_id) ORDER BY id`, nil)
}

func (s *Store) deliveries(ctx context.Context, text string, args []any) (all []kae.Delivery, err error) {
	err = s.read(ctx, func(ctx context.Context, c *conn) error {
		all = nil
		return c.each(ctx, text, args, func(rows *sql.Rows) error {
			var d kae.Delivery
			var at, fired, slot, made, due, begun, settled int64
			err := rows.Scan(&d.ID, &d.ChannelID, &d.TokenID, &d.Number, &at, &d.From, &d.To, &d.Reason, &fired, &slot, &d.Round,
				&made, &d.State, &due, &begun, &d.Batch, &d.Attempts, &d.Answer, &settled)
			d.At, d.Fired, d.Due = moment(at), moment(fired), moment(slot)
			d.MadeAt, d.DueAt, d.BegunAt, d.SettledAt = moment(made), moment(due), moment(begun), moment(settled)
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
			err := t.putDelivery(d)
			if err == nil && d.State == kae.Spared && d.Round == 0 && !d.Recovery() {
				err = t.spareEnd(d)
			}
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
			SELECT 1 FROM tokens t WHERE t.id = deliveries.token_id AND t.flipped_at = deliveries.fired AND deliveries.round = 0)`,
			// Of a firing that goes on it has to be known who was told.
			append(t.buffer(), micros(now.Add(-kae.DeliveriesKept))))
	})
}

// spareEnd spares the end of a firing of which a channel was told nothing: it may
// have been written while that was decided.
func (t *tx) spareEnd(d kae.Delivery) error {
	return t.exec(`UPDATE deliveries SET state = 'spared', answer = 'Its firing was not told either.', settled_at = ?
		WHERE channel_id = ? AND token_id = ? AND fired = ? AND to_status <> 'firing' AND state = 'waiting'`,
		append(t.buffer(), micros(d.SettledAt), d.ChannelID, d.TokenID, micros(d.Fired)))
}

func (t *tx) putDelivery(d kae.Delivery) error {
	if d.ID != 0 {
		return t.exec("UPDATE deliveries SET state = ?, due_at = ?, begun_at = ?, batch = ?, attempts = ?, answer = ?, settled_at = ? WHERE id = ? AND state = 'waiting'",
			append(t.buffer(), string(d.State), micros(d.DueAt), micros(d.BegunAt), d.Batch, d.Attempts, d.Answer, micros(d.SettledAt), d.ID))
	}
	return t.exec("INSERT INTO deliveries ("+deliveryColumns+") SELECT "+nextDelivery+` + 1, id, CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT),
		CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT),
		CAST(? AS BIGINT), 'waiting', CAST(? AS BIGINT), 0, 0, 0, CAST(? AS TEXT), 0 FROM channels WHERE id = ? AND removed_at = 0`,
		append(t.buffer(), d.TokenID, d.Number, micros(d.At), string(d.From), string(d.To), string(d.Reason), micros(d.Fired), micros(d.Due), d.Round,
			micros(d.MadeAt), micros(d.DueAt), d.Answer, d.ChannelID))
}
