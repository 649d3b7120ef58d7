package web

import (
	"fmt"
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
	Body   string // where the body is, if it is kept
	Size   string
	From   string
	Agent  string
}

// logOf merges heartbeats and flips, newest first, and tells where older ones
// are. Of two at one time the flip stands above the heartbeat that caused it.
func logOf(t kae.Token, h kae.History, from place, c clock) (rows []logRow, next place, more bool) {
	next = from
	beats, flips := h.Beats, h.Flips
	for len(rows) < logSize && len(beats)+len(flips) > 0 {
		if len(beats) == 0 || len(flips) > 0 && !flips[0].At.Before(beats[0].At) {
			rows, next.flips = append(rows, flipRow(flips, h.Gaps, c)), flips[0].Number
			flips = flips[1:]
			continue
		}
		rows, next.beats = append(rows, beatRow(t, beats[0], c)), beats[0].Number
		beats = beats[1:]
	}
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
	row := logRow{at: b.At, Time: c.hour(b.At), Number: b.Number, Word: string(b.Kind), From: b.Remote, Agent: b.Agent}
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
	if b.Message != "" {
		row.Told = []part{text(b.Message)}
	}
	if b.BodySize > 0 {
		row.Size = size(b.BodySize)
		if b.Number > t.Beats-kae.BodiesKept {
			row.Body = fmt.Sprintf("/tokens/%d/heartbeats/%d/body", t.ID, b.Number)
		}
	}
	return row
}

// flipRow tells the first of some flips; the older ones say what it ended.
func flipRow(flips []kae.Flip, gaps []kae.Gap, c clock) logRow {
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
