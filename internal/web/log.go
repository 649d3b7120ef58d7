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
	Note   string // what else is known of a flip
	Run    string // the id of its run
	Took   string
	Body   *bodyView // if there was one
	From   string
	Agent  string
	ID     string
	Quiet  *quietView // a stretch of runs in one line
}

// arrived is when a heartbeat came, by which it has its place in the history.
func arrived(b kae.Heartbeat) time.Time {
	if b.BackDated() {
		return b.Received
	}
	return b.At
}

// entry is a heartbeat or a flip in the order of arrival.
type entry struct {
	beat *kae.Heartbeat
	flip *flipEntry
}

// flipEntry is a flip with its neighbours: the older ones say what it ended,
// the newer one what became of it.
type flipEntry struct {
	newer *kae.Flip
	flips []kae.Flip
}

// merge puts heartbeats and flips in one order, newest first, at most size of
// them. Of two at one time the flip stands above the heartbeat that caused it.
// Flips from the number on that is read on from are only there to tell what
// became of the one before it.
func merge(h kae.History, from place, size int) (all []entry, more bool) {
	beats, flips := h.Beats, h.Flips
	var newer *kae.Flip
	next := func() {
		if !flips[0].Remark() { // which changes nothing
			newer = &flips[0]
		}
		flips = flips[1:]
	}
	for from.flips > 0 && len(flips) > 0 && flips[0].Number >= from.flips {
		next()
	}
	if from.show == "flips" {
		beats = nil
	}
	for len(all) < size && len(beats)+len(flips) > 0 {
		if len(beats) == 0 || len(flips) > 0 && !flips[0].At.Before(arrived(beats[0])) {
			all = append(all, entry{flip: &flipEntry{newer, flips}})
			next()
			continue
		}
		all = append(all, entry{beat: &beats[0]})
		beats = beats[1:]
	}
	return all, len(beats)+len(flips) > 0
}

// logOf makes the lines of a log, newest first, and tells where older ones
// are. Quiet stretches are one line each. What is read is what came last;
// where a report of it came late, it stands where it belongs.
func logOf(t kae.Token, h kae.History, from place, slots []slotView, c clock) (rows []logRow, next place, more bool) {
	entries, more := merge(h, from, logRead)
	stretches := quiet(entries, from)
	inline, lines := inlineBudget, 0
	next = from
	done := 0
	for done < len(entries) && lines < logSize {
		if n := stretches[done]; n > 0 {
			stretch := entries[done : done+n]
			open := holds(stretch, from.open)
			rows, lines = append(rows, quietRow(t, stretch, slots, from, open, c)), lines+1
			if !open {
				done += n
				continue
			}
			for _, e := range stretch {
				rows = append(rows, entryRow(t, e, h.Gaps, &inline, c))
			}
			done += n
			continue
		}
		if e := entries[done]; e.beat != nil || from.show != "beats" {
			rows, lines = append(rows, entryRow(t, e, h.Gaps, &inline, c)), lines+1
		}
		done++
	}
	for _, e := range entries[:done] {
		if e.beat != nil {
			next.beats = e.beat.Number
		} else {
			next.flips = e.flip.flips[0].Number
		}
	}
	slices.SortStableFunc(rows, func(a, b logRow) int { return b.at.Compare(a.at) })
	c.daysOf(rows)
	// A page without any of one kind goes on where that kind was.
	if next.beats == 0 && len(h.Beats) > 0 && from.show != "flips" {
		next.beats = h.Beats[0].Number + 1
	}
	if next.flips == 0 && len(h.Flips) > 0 {
		next.flips = h.Flips[0].Number + 1
	}
	next.flips = max(1, next.flips)
	if from.show != "flips" {
		next.beats = max(1, next.beats)
	}
	next.open = 0
	return rows, next, more || done < len(entries)
}

func entryRow(t kae.Token, e entry, gaps []kae.Gap, inline *int, c clock) logRow {
	if e.flip != nil {
		return flipRow(e.flip.newer, e.flip.flips, gaps, c)
	}
	row := beatRow(t, *e.beat, c)
	row.Body = bodyOf(t, *e.beat, inline)
	return row
}

// daysOf marks the rows with which a new day begins.
func (c clock) daysOf(rows []logRow) {
	day := ""
	for i := range rows {
		if rows[i].Quiet != nil && rows[i].Quiet.Days {
			continue // says its days itself
		}
		d := c.day(rows[i].at)
		if d.Text = c.dayHead(rows[i].at); d.Text != day {
			day, rows[i].Day = d.Text, &d
		}
	}
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
	row := logRow{at: f.At, Time: c.hour(f.At), Class: "flip up", Icon: "up", Word: "up", Note: capital(f.Note)}
	switch {
	case f.Remark():
		row.Class, row.Icon, row.Word = "flip ack", "ack", string(f.Reason)
		row.Told, row.Note = []part{text(f.Note)}, "" // “Ana: on it”
		if f.Reason == kae.TakenBack {
			row.Told = []part{text(f.Note + " looks after it no more.")}
		}
		return row
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
		for _, fired := range flips[1:] {
			if fired.Remark() { // it fired before
				continue
			}
			if fired.To == kae.Firing {
				return "Recovered after " + span(f.At.Sub(fired.At)) + "."
			}
			break
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
			return []part{text("kae took no heartbeats from "), when(c.at(g.From)), text(" to "), when(c.until(g.From, g.To)),
				text(". What was due then is not held against this token.")}
		}
	}
	return []part{text("kae took no heartbeats when one was due. That is not held against this token.")}
}
