package sqlstore

import (
	"cmp"
	"strings"
	"sync/atomic"
	"time"

	"kae"
)

// maxRows is how many rows one statement takes. More are not faster, and a
// statement is prepared for each number of rows.
const maxRows = 64

// many is a statement over a list of rows. Its text depends on their number.
type many struct {
	before, row, after string
	first              string // the first row, where types are told; empty: like the others
	between            string // two rows; empty: a comma
	most               int    // rows in one statement
	texts              [maxRows + 1]atomic.Pointer[string]
}

// text gives the statement for n rows.
func (m *many) text(n int) string {
	if text := m.texts[n].Load(); text != nil {
		return *text
	}
	first, between := cmp.Or(m.first, m.row), cmp.Or(m.between, ", ")
	text := m.before + first + strings.Repeat(between+m.row, n-1) + m.after
	m.texts[n].Store(&text)
	return text
}

// marks gives one row of n parameters.
func marks(n int) string { return "(" + strings.Repeat("?, ", n-1) + "?)" }

// typed gives a row of parameters with the types that a bare VALUES needs on
// PostgreSQL: B for a number, T for a text.
func typed(types string) string {
	var row []string
	for _, t := range types {
		row = append(row, map[rune]string{'B': "CAST(? AS BIGINT)", 'T': "CAST(? AS TEXT)"}[t])
	}
	return "(" + strings.Join(row, ", ") + ")"
}

// micros and moment turn times to what is stored and back. 0 is none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// scanner is a row that is being read.
type scanner interface{ Scan(dest ...any) error }

const tokenColumns = `id, value, uuid, name, description, tags, schedule, grace, created_at, removed_at,
	pos, status, reason, flipped_at, unknown, beats, flips, last_pos, since, last_at, started_at`

func tokenArgs(args []any, t *kae.Token, pos int64) []any {
	return append(args, t.ID, t.Value, t.UUID, t.Name, t.Description, strings.Join(t.Tags, " "),
		t.Schedule.String(), t.Grace.Microseconds(), micros(t.CreatedAt), micros(t.RemovedAt),
		pos, string(t.Status), string(t.Reason), micros(t.FlippedAt), yesNo(t.Unknown),
		t.Beats, t.Flips, t.LastPos, micros(t.Since), micros(t.LastAt), micros(t.StartedAt))
}

func scanToken(row scanner) (t kae.Token, pos int64, err error) {
	var tags, schedule, unknown string
	var grace, createdAt, removedAt, flippedAt, since, lastAt, startedAt int64
	err = row.Scan(&t.ID, &t.Value, &t.UUID, &t.Name, &t.Description, &tags,
		&schedule, &grace, &createdAt, &removedAt,
		&pos, &t.Status, &t.Reason, &flippedAt, &unknown,
		&t.Beats, &t.Flips, &t.LastPos, &since, &lastAt, &startedAt)
	if err != nil {
		return t, 0, err
	}
	if tags != "" {
		t.Tags = strings.Split(tags, " ")
	}
	if schedule != "" {
		if t.Schedule, err = kae.ParseSchedule(schedule, nil); err != nil {
			return t, 0, err
		}
	}
	t.Grace = time.Duration(grace) * time.Microsecond
	t.Unknown = unknown == "yes"
	t.CreatedAt, t.RemovedAt, t.FlippedAt = moment(createdAt), moment(removedAt), moment(flippedAt)
	t.Since, t.LastAt, t.StartedAt = moment(since), moment(lastAt), moment(startedAt)
	return t.Settle(), pos, nil
}

// stateColumns are the columns of a token that heartbeats change, with the
// token's id before them and their types.
const (
	stateColumns = "id, pos, status, reason, flipped_at, unknown, beats, flips, last_pos, since, last_at, started_at"
	stateTypes   = "BBTTBTBBBBBB"
)

func stateArgs(args []any, t *kae.Token, pos int64) []any {
	return append(args, t.ID, pos, string(t.Status), string(t.Reason), micros(t.FlippedAt), yesNo(t.Unknown),
		t.Beats, t.Flips, t.LastPos, micros(t.Since), micros(t.LastAt), micros(t.StartedAt))
}

const beatColumns = "pos, token_id, n, prev, at, kind, message, remote, agent, body_size"

func beatArgs(args []any, h *kae.Heartbeat) []any {
	return append(args, h.Pos, h.TokenID, h.Number, h.Prev, micros(h.At), string(h.Kind),
		h.Message, h.Remote, h.Agent, int64(h.BodySize))
}

func scanBeat(row scanner) (h kae.Heartbeat, err error) {
	var at int64
	err = row.Scan(&h.Pos, &h.TokenID, &h.Number, &h.Prev, &at, &h.Kind,
		&h.Message, &h.Remote, &h.Agent, &h.BodySize)
	h.At = moment(at)
	return h, err
}
