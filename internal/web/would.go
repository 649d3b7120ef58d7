package web

import (
	"slices"
	"strings"
	"time"

	"kae"
)

// wouldHear tells who would hear of it if a token fired now, by the policy:
// one sentence, or one for each reason where they differ.
func (s *Server) wouldHear(t kae.Token, c clock) [][]part {
	policy := s.Alerts.Policy()
	names := map[int64]string{}
	for _, ch := range s.Alerts.Channels() {
		names[ch.ID] = ch.Name
	}
	var told [][]part
	var groups [][]string // of reasons that are told the same
	for _, why := range []struct {
		reason kae.Reason
		verb   string
	}{{kae.Missed, "was missed"}, {kae.Failed, "failed"}, {kae.Overran, "overran"}} {
		if why.reason == kae.Overran && t.MaxRun == 0 {
			continue // it can't
		}
		says := whoHears(policy, names, t, why.reason, c)
		if i := slices.IndexFunc(told, func(other []part) bool { return plain(other) == plain(says) }); i >= 0 {
			groups[i] = append(groups[i], why.verb)
			continue
		}
		told, groups = append(told, says), append(groups, []string{why.verb})
	}
	for i := range told {
		verb := "fired"
		if len(told) > 1 {
			verb = strings.Join(groups[i], " or ")
		}
		told[i] = append([]part{text("If it " + verb + " now: ")}, told[i]...)
	}
	return told
}

// whoHears tells who hears of a firing that begins now, and when.
func whoHears(policy *kae.Policy, names map[int64]string, t kae.Token, why kae.Reason, c clock) []part {
	type hearer struct {
		name  string
		at    time.Time
		why   string
		every time.Duration
	}
	var all []hearer
	for _, id := range policy.Channels(t, why) {
		d := kae.Delivery{ChannelID: id, MadeAt: c.now, Alert: kae.Alert{TokenID: t.ID, To: kae.Firing, Reason: why}}
		if at, held, ok := policy.Due(t, d); ok && names[id] != "" {
			all = append(all, hearer{names[id], at, held, policy.Every(t, id, why)})
		}
	}
	if len(all) == 0 {
		return []part{text("no channel would hear of it.")}
	}
	slices.SortStableFunc(all, func(a, b hearer) int { return a.at.Compare(b.at) })
	var parts []part
	between := ", "
	if slices.ContainsFunc(all, func(h hearer) bool { return h.every > 0 }) {
		between = "; "
	}
	for i, h := range all {
		if i > 0 {
			parts = append(parts, text(between))
		}
		parts = append(parts, bold(h.name))
		if h.at.After(c.now) {
			parts = append(parts, text(" "), when(c.rel(h.at)))
			if h.why != "" {
				parts = append(parts, text(" ("+strings.ToLower(h.why[:1])+strings.TrimSuffix(h.why[1:], ".")+")"))
			}
		} else {
			parts = append(parts, text(" at once"))
		}
		if h.every > 0 {
			parts = append(parts, text(", again every "+length(h.every)))
		}
	}
	return append(parts, text("."))
}
