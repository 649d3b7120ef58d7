package sqlstore

import "database/sql"

var (
	moveBeats = many{
		before: "INSERT INTO heartbeats (" + beatColumns + ") SELECT " + beatColumns + " FROM journal WHERE pos IN (",
		row:    "?", after: ")", most: maxRows,
	}
	trimBeats  = trimming("heartbeats")
	trimFlips  = trimming("flips")
	forgetting = []*many{forget("tokens", "id"), forget("heartbeats", "token_id"), forget("bodies", "token_id"), forget("flips", "token_id"), forget("deliveries", "token_id")}
)

// trimming drops a table's rows up to a number for each of a list of tokens.
// PostgreSQL would read the whole table for a join, and for lack of a lower
// bound.
func trimming(table string) many {
	return many{before: "DELETE FROM " + table + " WHERE ", row: "(token_id = ? AND n BETWEEN 1 AND ?)", between: " OR ", most: maxRows}
}

func forget(table, id string) *many {
	return &many{before: "DELETE FROM " + table + " WHERE " + id + " IN (", row: "?", after: ")", most: maxRows}
}

// trim drops of each token what has a number up to its floor.
func (t *tx) trim(m *many, floors map[int64]int64) error {
	ids := make([]int64, 0, len(floors))
	for id := range floors {
		ids = append(ids, id)
	}
	return t.rows(m, len(ids), func(args []any, i int) []any { return append(args, ids[i], floors[ids[i]]) })
}

// Cut implements [kae.Tx].
func (t *tx) Cut(to int64, floor func(tokenID int64) int64) error {
	if err := t.begin(); err != nil {
		return err
	}
	var from int64
	if err := t.note(t.c.row(t.ctx, "SELECT COALESCE(MIN(pos), 0) FROM journal", nil, &from)); err != nil {
		return err
	}
	var keep []int64
	floors := map[int64]int64{} // of each token seen
	// Without a lower bound PostgreSQL guesses a third of the journal, and reads all of it.
	err := t.c.each(t.ctx, "SELECT pos, token_id, n FROM journal WHERE pos BETWEEN ? AND ?", []any{from, to}, func(rows *sql.Rows) error {
		var pos, id, n int64
		if err := rows.Scan(&pos, &id, &n); err != nil {
			return err
		}
		above, seen := floors[id]
		if !seen {
			above = floor(id)
			floors[id] = above
		}
		if above >= 0 && n > above {
			keep = append(keep, pos)
		}
		return nil
	})
	if err := t.note(err); err != nil {
		return err
	}
	err = t.rows(&moveBeats, len(keep), func(args []any, i int) []any { return append(args, keep[i]) })
	if err != nil {
		return err
	}
	for id, above := range floors {
		if above <= 0 { // nothing is below it, or the token was forgotten already
			delete(floors, id)
		}
	}
	if err := t.trim(&trimBeats, floors); err != nil {
		return err
	}
	return t.exec("DELETE FROM journal WHERE pos BETWEEN ? AND ?", append(t.buffer(), from, to))
}

// Forget implements [kae.Tx].
func (t *tx) Forget(tokenIDs []int64) error {
	for _, m := range forgetting {
		err := t.rows(m, len(tokenIDs), func(args []any, i int) []any { return append(args, tokenIDs[i]) })
		if err != nil {
			return err
		}
	}
	return nil
}
