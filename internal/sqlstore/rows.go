package sqlstore

import (
	"cmp"
	"encoding/base64"
	"strconv"
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

const tokenColumns = `id, value, uuid, name, description, tags, schedule, zone, grace,
	max_run, fire_after, body_has, body_lacks, post_only, created_at, removed_at,
	pos, status, reason, flipped_at, unknown, beats, flips, last_pos, since, last_at, strikes, runs, took, track,
	acked_at, acked_by, acked_why, snoozed_until`

const tokenWidth = 34

func tokenArgs(args []any, t *kae.Token, pos int64) []any {
	var ack kae.Ack
	if t.Ack != nil {
		ack = *t.Ack
	}
	return append(args, t.ID, t.Value, t.UUID, t.Name, t.Description, strings.Join(t.Tags, " "),
		t.Schedule.String(), zoneName(t.Schedule), t.Grace.Microseconds(),
		t.MaxRun.Microseconds(), int64(t.FireAfter), t.BodyHas, t.BodyLacks, yesNo(t.PostOnly),
		micros(t.CreatedAt), micros(t.RemovedAt),
		pos, string(t.Status), string(t.Reason), micros(t.FlippedAt), yesNo(t.Unknown),
		t.Beats, t.Flips, t.LastPos, micros(t.Since), micros(t.LastAt), int64(t.Strikes), runsText(t.Runs), t.Took.Microseconds(), trackText(t.Track),
		micros(ack.At), ack.By, ack.Why, micros(t.SnoozedUntil))
}

func scanToken(row scanner) (t kae.Token, pos int64, err error) {
	var tags, schedule, zone, postOnly, unknown, runs, track string
	var grace, maxRun, createdAt, removedAt, flippedAt, since, lastAt, took, ackedAt, snoozedUntil int64
	var ack kae.Ack
	err = row.Scan(&t.ID, &t.Value, &t.UUID, &t.Name, &t.Description, &tags,
		&schedule, &zone, &grace, &maxRun, &t.FireAfter, &t.BodyHas, &t.BodyLacks, &postOnly, &createdAt, &removedAt,
		&pos, &t.Status, &t.Reason, &flippedAt, &unknown,
		&t.Beats, &t.Flips, &t.LastPos, &since, &lastAt, &t.Strikes, &runs, &took, &track,
		&ackedAt, &ack.By, &ack.Why, &snoozedUntil)
	if err != nil {
		return t, 0, err
	}
	if tags != "" {
		t.Tags = strings.Split(tags, " ")
	}
	if schedule != "" {
		if t.Schedule, err = parseSchedule(schedule, zone); err != nil {
			return t, 0, err
		}
	}
	t.Grace, t.MaxRun = time.Duration(grace)*time.Microsecond, time.Duration(maxRun)*time.Microsecond
	t.PostOnly, t.Unknown = postOnly == "yes", unknown == "yes"
	t.CreatedAt, t.RemovedAt, t.FlippedAt = moment(createdAt), moment(removedAt), moment(flippedAt)
	t.Since, t.LastAt = moment(since), moment(lastAt)
	t.Took = time.Duration(took) * time.Microsecond
	t.Track = parseTrack(track)
	t.SnoozedUntil = moment(snoozedUntil)
	if ackedAt != 0 {
		ack.At = moment(ackedAt)
		t.Ack = &ack
	}
	t.Runs, err = parseRuns(runs)
	return t.Settle(), pos, err
}

// runsText writes open runs as the column has them.
func runsText(runs []kae.Run) string {
	var b strings.Builder
	for i, r := range runs {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(r.ID + "@" + strconv.FormatInt(micros(r.At), 10))
	}
	return b.String()
}

func parseRuns(text string) (runs []kae.Run, err error) {
	for _, word := range strings.Fields(text) {
		id, at, _ := strings.Cut(word, "@")
		n, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return nil, err
		}
		runs = append(runs, kae.Run{ID: id, At: moment(n)})
	}
	return runs, nil
}

func trackText(k kae.Track) string { return base64.RawStdEncoding.EncodeToString([]byte(k)) }

func parseTrack(text string) kae.Track {
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return kae.ParseTrack(b)
}

// stateColumns are the columns of a token that heartbeats change, with the
// token's id before them and their types.
const (
	stateColumns = "id, pos, status, reason, flipped_at, unknown, beats, flips, last_pos, since, last_at, strikes, runs, took, track"
	stateTypes   = "BBTTBTBBBBBBTBT"
)

func stateArgs(args []any, t *kae.Token, pos int64) []any {
	return append(args, t.ID, pos, string(t.Status), string(t.Reason), micros(t.FlippedAt), yesNo(t.Unknown),
		t.Beats, t.Flips, t.LastPos, micros(t.Since), micros(t.LastAt), int64(t.Strikes), runsText(t.Runs), t.Took.Microseconds(), trackText(t.Track))
}

const beatColumns = "pos, token_id, n, prev, at, received, kind, exit_status, run_id, took, message, remote, agent, body_size"

const beatWidth = 14

func beatArgs(args []any, h *kae.Heartbeat) []any {
	exit := int64(-1)
	if h.Exited {
		exit = int64(h.Exit)
	}
	return append(args, h.Pos, h.TokenID, h.Number, h.Prev, micros(h.At), micros(h.Received), string(h.Kind),
		exit, h.RunID, h.Took.Microseconds(), h.Message, h.Remote, h.Agent, int64(h.BodySize))
}

// plainColumns are those of a heartbeat that only came; the others have their
// defaults.
const plainColumns = "pos, token_id, n, prev, at, kind, message, remote, agent, body_size"

const plainWidth = 10

func plain(h *kae.Heartbeat) bool {
	return h.Received.IsZero() && !h.Exited && h.RunID == "" && h.Took == 0
}

func plainArgs(args []any, h *kae.Heartbeat) []any {
	return append(args, h.Pos, h.TokenID, h.Number, h.Prev, micros(h.At), string(h.Kind),
		h.Message, h.Remote, h.Agent, int64(h.BodySize))
}

func scanBeat(row scanner) (h kae.Heartbeat, err error) {
	var at, received, took int64
	err = row.Scan(&h.Pos, &h.TokenID, &h.Number, &h.Prev, &at, &received, &h.Kind,
		&h.Exit, &h.RunID, &took, &h.Message, &h.Remote, &h.Agent, &h.BodySize)
	if h.Exited = h.Exit >= 0; !h.Exited {
		h.Exit = 0
	}
	h.At, h.Received, h.Took = moment(at), moment(received), time.Duration(took)*time.Microsecond
	return h, err
}

func zoneName(s kae.Schedule) string { return s.Zone().String() }

// parseSchedule reads a schedule that was checked when it was entered. A zone
// that is not known here, as after going back to an older kae, keeps its name
// and goes by UTC: a token that fires some hours off says that something is
// wrong, a kae that does not start says nothing about any token.
func parseSchedule(text, zone string) (kae.Schedule, error) {
	at, err := kae.LoadZone(zone)
	if err != nil {
		at = time.FixedZone(zone, 0)
	}
	return kae.ParseSchedule(text, at)
}
