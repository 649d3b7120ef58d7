package web

import "kae"

// part is a piece of a sentence: text or a time, in bold or not.
type part struct {
	Text string
	When moment
	Bold bool
}

func text(s string) part   { return part{Text: s} }
func bold(s string) part   { return part{Text: s, Bold: true} }
func when(m moment) part   { return part{When: m} }
func stress(m moment) part { return part{When: m, Bold: true} }

// plain gives a sentence as text.
func plain(parts []part) string {
	s := ""
	for _, p := range parts {
		s += p.Text + p.When.Text
	}
	return s
}

// sentence tells what a token's state means: the answer that its page begins
// with.
func sentence(t kae.Token, c clock) []part {
	switch stateOf(t, c.now).Word {
	case "removed":
		return []part{bold("Removed "), stress(c.at(t.RemovedAt)), text(". It can be brought back until "),
			when(c.at(t.RemovedAt.Add(kae.KeepRemoved))), text("; then it is gone with its history.")}
	case "disabled":
		return sentences(
			[]part{bold("Disabled "), stress(c.at(t.FlippedAt)), text(". Heartbeats are recorded, but nothing is expected.")},
			heard(t, c))
	case "new":
		return sentences(
			[]part{text("Waiting for its "), bold("first heartbeat"), text("; it cannot fire before.")},
			expected(t))
	case "missed":
		return sentences(missed(t, c), expected(t))
	case "failed":
		return sentences(
			[]part{bold("Failed "), stress(c.at(t.LastAt)), text(", "), when(c.rel(t.LastAt)), text(".")},
			expected(t),
			[]part{text("Next due "), stress(c.at(t.DueAt)), text(", "), when(c.rel(t.DueAt)), text(".")})
	case "late":
		return sentences(
			[]part{bold("Due "), stress(c.rel(t.DueAt)), bold("."), text(" Fires "), stress(c.rel(t.Deadline)), text(" unless it comes.")},
			expected(t), heard(t, c))
	case "unknown":
		return sentences(
			[]part{bold("kae took no heartbeats when one was due;"), text(" the next one counts. It is due "), stress(c.at(t.DueAt)), text(".")},
			fires(t, c), expected(t), heard(t, c))
	case "running":
		return sentences(
			[]part{bold("Running since "), stress(c.at(t.StartedAt)), text(".")},
			expected(t), heard(t, c), fires(t, c))
	}
	return sentences(expected(t), heard(t, c), fires(t, c))
}

func missed(t kae.Token, c clock) []part {
	parts := []part{bold("Nothing since "), stress(c.at(t.LastAt)), text(".")}
	if t.LastAt.IsZero() {
		parts = []part{bold("Nothing since it started "), stress(c.at(t.Since)), text(".")}
	}
	return append(parts, text(" Was due "), when(c.at(t.DueAt)), text(", fired "), when(c.at(t.FlippedAt)), text("."))
}

func expected(t kae.Token) []part {
	words := "Expected " + every(t.Schedule.Interval())
	if t.Grace > 0 {
		words += ", " + length(t.Grace) + " grace"
	}
	return []part{text(words + ".")}
}

func heard(t kae.Token, c clock) []part {
	if t.LastAt.IsZero() {
		return nil
	}
	return []part{text("Last heartbeat "), when(c.at(t.LastAt)), text(".")}
}

func fires(t kae.Token, c clock) []part {
	if t.Deadline.IsZero() {
		return nil
	}
	return []part{text("Fires "), when(c.at(t.Deadline)), text(", "), stress(c.rel(t.Deadline)), text(", unless one comes.")}
}

// sentences joins what there is to say.
func sentences(of ...[]part) []part {
	var all []part
	for _, s := range of {
		if len(all) > 0 && len(s) > 0 {
			all = append(all, text(" "))
		}
		all = append(all, s...)
	}
	return all
}
