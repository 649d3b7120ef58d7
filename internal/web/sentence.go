package web

import (
	"fmt"
	"strings"
	"time"

	"kae"
)

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

// known is what its history adds to a token's state.
type known struct {
	failure *ended        // the newest one, while the token fires for it
	usual   time.Duration // how long a run takes; 0: not known
	gap     *kae.Gap      // for which it is excused
}

func knownOf(t kae.Token, p *past) known {
	k := known{usual: p.usual()}
	for i := range p.ended {
		if e := &p.ended[i]; e.failed && e.at.Equal(t.LastAt) {
			k.failure = e
			break
		}
	}
	for _, f := range p.flips {
		if f.Reason != kae.Excused {
			continue
		}
		for i := range p.gaps {
			if p.gaps[i].To.Equal(f.At) {
				k.gap = &p.gaps[i]
			}
		}
		break
	}
	return k
}

// sentence tells what a token's state means, and what people said of it: the
// answer that its page begins with.
func sentence(t kae.Token, k known, c clock) []part {
	return sentences(meaning(t, k, c), lookedAfter(t, c), snoozed(t, c))
}

// lookedAfter tells who looks after a firing.
func lookedAfter(t kae.Token, c clock) []part {
	if t.Ack == nil {
		return nil
	}
	parts := []part{bold(t.Ack.By + " looks after it"), text(" since "), when(c.at(t.Ack.At))}
	if t.Ack.Why != "" {
		return append(parts, text(": "+strings.TrimSuffix(t.Ack.Why, ".")+"."))
	}
	return append(parts, text("."))
}

// snoozed tells until when channels hear nothing of a token.
func snoozed(t kae.Token, c clock) []part {
	if !t.Snoozed(c.now) || t.Removed() {
		return nil
	}
	return []part{bold("Snoozed until "), stress(c.at(t.SnoozedUntil)), text(": channels hear nothing of it.")}
}

// meaning tells what a token's state means.
func meaning(t kae.Token, k known, c clock) []part {
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
	case "overran":
		return sentences(overran(t, k, c), expected(t), heard(t, c))
	case "failed":
		return sentences(failed(t, k, c), expected(t), nextDue(t, c))
	case "late":
		return sentences(strikes(t),
			[]part{bold("Due "), stress(c.rel(t.DueAt)), bold("."), text(" " + whatThen(t) + " "), stress(c.rel(t.Deadline)), text(" unless it comes.")},
			expected(t), heard(t, c))
	case "unknown":
		return sentences(strikes(t), excused(t, k, c), fires(t, c), expected(t), heard(t, c))
	case "running":
		return sentences(strikes(t), running(t, k, c), expected(t), heard(t, c), fires(t, c))
	}
	return sentences(strikes(t), expected(t), heard(t, c), fires(t, c))
}

func missed(t kae.Token, c clock) []part {
	parts := []part{bold("Nothing since "), stress(c.at(t.LastAt)), text(".")}
	if t.LastAt.IsZero() {
		parts = []part{bold("Nothing since it started "), stress(c.at(t.Since)), text(".")}
	}
	return append(parts, text(" Was due "), when(c.at(t.DueAt)), text(", fired "), when(c.at(t.FlippedAt)), text("."))
}

func overran(t kae.Token, k known, c clock) []part {
	parts := []part{bold("Still running since "), stress(c.at(t.StartedAt))}
	if k.usual > 0 {
		parts = append(parts, text(", usually "+took(k.usual)))
	}
	if t.MaxRun > 0 {
		parts = append(parts, text(", longer than the "+length(t.MaxRun)+" that it may take"))
	}
	return append(parts, text("; fired "), when(c.at(t.FlippedAt)), text("."))
}

// failed tells what the newest failure said of itself.
func failed(t kae.Token, k known, c clock) []part {
	parts := []part{bold("Failed "), stress(c.at(t.LastAt))}
	if k.failure != nil && k.failure.exited {
		parts = append(parts, text(fmt.Sprintf(" with exit status %d", k.failure.exit)))
	}
	parts = append(parts, text(", "), when(c.rel(t.LastAt)))
	if k.failure != nil && k.failure.message != "" {
		parts = append(parts, text(": “"+clip(k.failure.message, 120)+"”"))
	}
	return append(parts, text("."))
}

// excused tells why a token is unknown.
func excused(t kae.Token, k known, c clock) []part {
	parts := []part{bold("kae took no heartbeats when one was due;")}
	if k.gap != nil {
		parts = []part{bold("kae took no heartbeats from "), stress(c.at(k.gap.From)), bold(" to "), stress(c.until(k.gap.From, k.gap.To)), bold(", when one was due;")}
	}
	return append(parts, text(" the next one counts. It is due "), stress(c.at(t.DueAt)), text("."))
}

func running(t kae.Token, k known, c clock) []part {
	parts := []part{bold("Running since "), stress(c.at(t.StartedAt))}
	if k.usual > 0 {
		parts = append(parts, text(", usually "+took(k.usual)))
	}
	if t.MaxRun > 0 {
		parts = append(parts, text(", at most "+length(t.MaxRun)))
	}
	return append(parts, text("."))
}

// strikes tells what does not fire yet.
func strikes(t kae.Token) []part {
	if word := strikesOf(t); word != "" {
		return []part{bold(capital(word) + " in a row.")}
	}
	return nil
}

// strikesOf counts misses and failures that did not fire: "1 miss of 3".
func strikesOf(t kae.Token) string {
	if t.Strikes == 0 || t.FireAfter <= 1 || t.Status == kae.Firing || t.Status == kae.Disabled {
		return ""
	}
	word := "misses"
	if t.Strikes == 1 {
		word = "miss"
	}
	return fmt.Sprintf("%d %s of %d", t.Strikes, word, t.FireAfter)
}

// whatThen tells what a deadline does that passes.
func whatThen(t kae.Token) string {
	if n := t.Strikes + 1; n < t.FireAfter {
		return fmt.Sprintf("Counts as miss %d of %d", n, t.FireAfter)
	}
	return "Fires"
}

func expected(t kae.Token) []part {
	words := "Expected " + often(t.Schedule)
	if zone := zoneOf(t.Schedule); zone != "" {
		words += " " + zone
	}
	if t.Grace > 0 {
		words += ", " + length(t.Grace) + " grace"
	}
	if !t.Since.IsZero() && t.DueAt.IsZero() && t.Status != kae.Disabled {
		return []part{text(words + ". "), bold("Its schedule has ended:"), text(" nothing more is expected.")}
	}
	return []part{text(words + ".")}
}

func nextDue(t kae.Token, c clock) []part {
	if t.DueAt.IsZero() {
		return nil
	}
	return []part{text("Next due "), stress(c.at(t.DueAt)), text(", "), when(c.rel(t.DueAt)), text(".")}
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
	unless := ", unless one comes."
	if t.Running() && t.MaxRun > 0 {
		unless = ", unless it has ended."
	}
	return []part{text(whatThen(t) + " "), when(c.at(t.Deadline)), text(", "), stress(c.rel(t.Deadline)), text(unless)}
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
