package web

import (
	"fmt"
	"slices"
	"time"

	"kae"
)

// logRow is a line of a token's log: a heartbeat or a flip.
type logRow struct {
	at     time.Time
	Time   moment
	Day    *moment // a new day begins with this row
	Class  string
	Icon   string
	Word   string
	Number int64 // of a heartbeat; 0: it is a flip
	Told   []part
	Run    string // the id of its run
	Took   string
	Body   *bodyView // if there was one
	From   string
	Agent  string
}

// arrived is when a heartbeat came, by which it has its place in the history.
func arrived(b kae.Heartbeat) time.Time {
	if b.BackDated() {
		return b.Received
	}
	return b.At
}

// logOf merges heartbeats and flips, newest first, and tells where older ones
// are. Of two at one time the flip stands above the heartbeat that caused it.
// What is read is what came last; where a report of it came late, it stands
// where it belongs. A flip of the number that is read on from is only there to
// tell what became of the one before it.
func logOf(t kae.Token, h kae.History, from place, c clock) (rows []logRow, next place, more bool) {
	next = from
	beats, flips := h.Beats, h.Flips
	var newer *kae.Flip
	if len(flips) > 0 && flips[0].Number == from.flips {
		newer, flips = &flips[0], flips[1:]
	}
	inline := inlineBudget
	for len(rows) < logSize && len(beats)+len(flips) > 0 {
		if len(beats) == 0 || len(flips) > 0 && !flips[0].At.Before(arrived(beats[0])) {
			rows, next.flips = append(rows, flipRow(newer, flips, h.Gaps, c)), flips[0].Number
			newer, flips = &flips[0], flips[1:]
			continue
		}
		row := beatRow(t, beats[0], c)
		row.Body = bodyOf(t, beats[0], &inline)
		rows, next.beats = append(rows, row), beats[0].Number
		beats = beats[1:]
	}
	slices.SortStableFunc(rows, func(a, b logRow) int { return b.at.Compare(a.at) })
	day := ""
	for i := range rows {
		d := c.day(rows[i].at)
		if d.Text = c.dayHead(rows[i].at); d.Text != day {
			day, rows[i].Day = d.Text, &d
		}
	}
	// A page without any of one kind goes on where that kind was.
	if next.beats == 0 && len(h.Beats) > 0 {
		next.beats = h.Beats[0].Number + 1
	}
	if next.flips == 0 && len(h.Flips) > 0 {
		next.flips = h.Flips[0].Number + 1
	}
	next.beats, next.flips = max(1, next.beats), max(1, next.flips)
	return rows, next, len(beats)+len(flips) > 0
}

func (c clock) dayHead(t time.Time) string {
	t, now := t.In(c.zone), c.now.In(c.zone)
	head := t.Format("Mon ") + c.date(t)
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return "Today, " + head
	}
	return head
}

func beatRow(t kae.Token, b kae.Heartbeat, c clock) logRow {
	row := logRow{at: b.At, Time: c.hour(b.At), Number: b.Number, Word: string(b.Kind), Run: b.RunID, From: b.Remote, Agent: b.Agent}
	switch b.Kind {
	case kae.Success:
		row.Class, row.Icon = "up", "up"
	case kae.Failure:
		row.Class, row.Icon = "fire fail", "fail"
	case kae.Start:
		row.Class, row.Icon = "run", "run"
	default:
		row.Class, row.Icon = "new", "log"
	}
	if b.Exited && b.Exit != 0 {
		row.Told = append(row.Told, text(fmt.Sprintf("exit status %d", b.Exit)))
	}
	if b.Message != "" {
		if len(row.Told) > 0 {
			row.Told = append(row.Told, text(": "))
		}
		row.Told = append(row.Told, text(b.Message))
	}
	if b.BackDated() {
		if len(row.Told) > 0 {
			row.Told = append(row.Told, text("; "))
		}
		row.Told = append(row.Told, text("told "), when(c.at(b.Received)))
	}
	if b.Took > 0 {
		row.Took = took(b.Took)
	}
	return row
}

// flipRow tells the first of some flips; the older ones say what it ended, the
// newer one what became of it.
func flipRow(newer *kae.Flip, flips []kae.Flip, gaps []kae.Gap, c clock) logRow {
	f := flips[0]
	row := logRow{at: f.At, Time: c.hour(f.At), Class: "flip up", Icon: "up", Word: "up"}
	switch {
	case f.Reason == kae.Excused:
		row.Class, row.Icon, row.Word = "flip unk", "unk", "unknown"
		row.Told = excuse(f, gaps, c)
		return row
	case f.To == kae.Firing:
		row.Class, row.Icon, row.Word = "flip fire", "fire", "fired"
	case f.To == kae.Disabled:
		row.Class, row.Icon, row.Word = "flip dis", "dis", "disabled"
	case f.To == kae.New:
		row.Class, row.Icon, row.Word = "flip new", "new", "new"
	case f.From == kae.Firing:
		row.Word = "up again"
	}
	row.Told = []part{text(reasonOf(flips))}
	if f.To == kae.Firing && newer != nil && newer.Reason == kae.ArrivedLate {
		row.Class += " back"
		row.Told = append(row.Told, text(" Taken back: the job was on time."))
	}
	return row
}

func reasonOf(flips []kae.Flip) string {
	switch f := flips[0]; f.Reason {
	case kae.First:
		return "The first heartbeat came."
	case kae.Missed:
		return "Missed: no heartbeat came by the deadline."
	case kae.Failed:
		return "Failed: the job said so."
	case kae.Overran:
		return "Overran: a run did not end in the time that it may take."
	case kae.ArrivedLate:
		return "The job was on time; its report arrived late."
	case kae.Recovered:
		if len(flips) > 1 && flips[1].To == kae.Firing {
			return "Recovered after " + span(f.At.Sub(flips[1].At)) + "."
		}
		return "Recovered."
	case kae.WasDisabled:
		return "Disabled: nothing is expected."
	case kae.WasEnabled:
		return "Enabled: heartbeats are expected again."
	case kae.Edited:
		return "Edited: by its new settings it is not overdue."
	default:
		return string(f.Reason)
	}
}

// excuse tells the gap that ended with a flip.
func excuse(f kae.Flip, gaps []kae.Gap, c clock) []part {
	for _, g := range gaps {
		if g.To.Equal(f.At) {
			return []part{text("kae took no heartbeats from "), when(c.at(g.From)), text(" to "), when(c.at(g.To)),
				text(". What was due then is not held against this token.")}
		}
	}
	return []part{text("kae took no heartbeats when one was due. That is not held against this token.")}
}
