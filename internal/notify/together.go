package notify

import (
	"fmt"
	"strings"
	"time"

	"kae"
)

// together tells several events in one line: "17 tokens silent since 02:00,
// 15 of them tag:db-3".
func together(m Message) string {
	var firing, over []Event
	silent, recovered, still := true, true, true
	var since time.Time
	zone := m.Events[0].Token.Schedule.Zone()
	for _, e := range m.Events {
		if e.Token.Schedule.Zone().String() != zone.String() {
			zone = time.UTC
		}
		if e.Recovery() {
			over = append(over, e)
			recovered = recovered && e.Reason == kae.Recovered
			continue
		}
		firing = append(firing, e)
		silent, still = silent && e.Reason == kae.Missed, still && e.Round > 0
		if since.IsZero() || e.since().Before(since) {
			since = e.since()
		}
	}
	ended := "no longer fire"
	if recovered {
		ended = "recovered"
	}
	if len(firing) == 0 {
		return fmt.Sprintf("%d tokens %s", len(over), ended) + common(over)
	}
	began := "fire"
	if silent {
		began = "silent"
	}
	if still {
		began = "still " + began
	}
	title := fmt.Sprintf("%s %s since %s", tokens(len(firing)), began, clock{m.Sent, zone}.short(since))
	if zone == time.UTC {
		title += " UTC"
	}
	title += common(firing)
	if len(over) > 0 {
		title += fmt.Sprintf("; %d %s", len(over), ended)
	}
	return title
}

func tokens(n int) string {
	if n == 1 {
		return "1 token"
	}
	return fmt.Sprintf("%d tokens", n)
}

// common names the tag that most of the tokens have: often it is the cause.
func common(events []Event) string {
	count := map[string]int{}
	best := ""
	for _, e := range events {
		for _, tag := range e.Token.Tags {
			count[tag]++
			if n := count[tag]; n > count[best] || n == count[best] && tag < best {
				best = tag
			}
		}
	}
	switch n := count[best]; {
	case len(events) == 1:
	case n == len(events):
		return ", all tag:" + best
	case n > len(events)/2:
		return fmt.Sprintf(", %d of them tag:%s", n, best)
	}
	return ""
}

// Of so many events a message tells the titles; the rest it counts.
const mostTitles = 30

// text is the message without its title, as plain text.
func (t told) text() string {
	var b strings.Builder
	if t.Test {
		b.WriteString(testWords + "\n")
	}
	if len(t.Tales) == 1 {
		b.WriteString(t.Tales[0].text())
		return strings.TrimSpace(b.String())
	}
	for i, one := range t.Tales {
		if i == mostTitles {
			fmt.Fprintf(&b, "and %d more\n", len(t.Tales)-i)
			break
		}
		b.WriteString("- " + one.Title + "\n")
		if one.URL != "" {
			b.WriteString("  " + one.URL + "\n")
		}
	}
	return strings.TrimSpace(b.String())
}

// Runbook is what the token's description says to do. Of what is over there is
// nothing to do.
func (t tale) Runbook() string {
	if t.Recovery() && t.Told {
		return ""
	}
	return t.Token.Description
}

func (t tale) text() string {
	parts := []string{strings.Join(t.Facts, "\n")}
	if t.Output != "" {
		parts = append(parts, "Its output ends with:\n\n    "+strings.ReplaceAll(t.Output, "\n", "\n    "))
	}
	if runbook := t.Runbook(); runbook != "" {
		parts = append(parts, runbook)
	}
	if len(t.Token.Tags) > 0 {
		parts = append(parts, "Tags: "+strings.Join(t.Token.Tags, ", "))
	}
	if t.URL != "" {
		parts = append(parts, t.URL)
	}
	if t.AnswerURL != "" {
		parts = append(parts, "Acknowledge or snooze: "+t.AnswerURL)
	}
	return strings.Join(parts, "\n\n")
}

// clip gives at most so many bytes of a text, and shows that some are missing.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len("…")], "") + "…"
}
