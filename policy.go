package kae

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Policy says which channels hear of which tokens, and when. Its rules are read
// from the top to the bottom, and all that fit count: where several name one
// channel, the one by which it hears first. What is in it is never changed in
// place.
type Policy struct {
	Zone    *time.Location // by whose clock the hours are; nil: UTC
	Rules   []Rule
	Quiet   Hours // when nothing is sent
	Except  Pick  // but of these tokens; none: of no token
	Windows []Window
}

// Rule is one sentence of a policy: when a token fires, tell somebody.
type Rule struct {
	Pick     Pick
	Reasons  []Reason // of [Missed], [Failed] and [Overran]; none: whatever it is
	Channels []int64
	After    time.Duration // told only if it fires for so long
	Every    time.Duration // told again each time that so much has passed and it still fires; 0: told once
	Hours    Hours         // when the rule tells nobody; what is still true is told at their end
	Only     bool          // the hours are when it does
	Ends     bool          // told of the end of the firing too
}

// Pick says which tokens are meant: those that are named, those with any of the
// tags, or all if there are neither.
type Pick struct {
	Tags   []string // in upper or lower case
	Tokens []int64
}

// Limits of a policy.
const (
	MaxRules   = 50
	MaxWindows = 100
	MaxPicked  = 200 // tokens named one by one
	MaxAfter   = 7 * day
	MinEvery   = time.Minute
	MaxEvery   = 30 * day
	MaxWindow  = 30 * day // for one that comes again
)

// All tells whether every token is meant.
func (p Pick) All() bool { return len(p.Tags)+len(p.Tokens) == 0 }

// Has tells whether a token is meant.
func (p Pick) Has(t Token) bool {
	return p.All() || slices.Contains(p.Tokens, t.ID) || slices.ContainsFunc(p.Tags, func(tag string) bool {
		return slices.ContainsFunc(t.Tags, func(other string) bool { return strings.EqualFold(tag, other) })
	})
}

// Location gives the zone by whose clock the hours are.
func (p *Policy) Location() *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}

// fits tells whether a rule is about a token that fires for a reason; "" is
// any.
func (r Rule) fits(t Token, why Reason) bool {
	return r.Pick.Has(t) && (why == "" || len(r.Reasons) == 0 || slices.Contains(r.Reasons, why))
}

// Channels gives who is to hear that a token fires, if it goes on long enough.
func (p *Policy) Channels(t Token, why Reason) []int64 {
	var all []int64
	for _, r := range p.Rules {
		if r.fits(t, why) {
			all = append(all, r.Channels...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Names tells whether any rule tells a channel of anything.
func (p *Policy) Names(channel int64) bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return slices.Contains(r.Channels, channel) })
}

// Maintenance gives the window that holds a token's alerts back at a time.
func (p *Policy) Maintenance(t Token, at time.Time) (w Window, on bool) {
	for _, w := range p.Windows {
		if _, on := w.At(at); on && w.Pick.Has(t) {
			return w, true
		}
	}
	return Window{}, false
}

// Due tells when a delivery that was never tried is to go out, and what it
// waits for until then, as things stand now: its token's tags and snooze are as
// of now, and so is the policy. Not ok: by the policy it is not told at all.
func (p *Policy) Due(t Token, d Delivery) (at time.Time, why string, ok bool) {
	named := false
	tell := func(r Rule, wait time.Duration, waits string) {
		due, held := p.release(t, r, d.MadeAt.Add(wait))
		if !ok || due.Before(at) {
			at, why, ok = due, cmp.Or(held, waits), true
		}
	}
	for _, r := range p.Rules {
		if !slices.Contains(r.Channels, d.ChannelID) {
			continue
		}
		switch {
		case d.Recovery():
			if r.fits(t, "") {
				if named = true; r.Ends {
					tell(r, 0, "")
				}
			}
		case !r.fits(t, d.Reason):
		case d.Round > 0 && r.Every > 0:
			tell(r, r.Every, "Again, if it still fires then.")
		case d.Round == 0 && r.After > 0:
			tell(r, r.After, "If it still fires then.")
		case d.Round == 0:
			tell(r, 0, "")
		}
	}
	if d.Recovery() && !named { // who heard of the firing hears of its end, though the rules are others by now
		tell(Rule{}, 0, "")
	}
	return at, why, ok
}

// Every tells how often a channel hears again of a token that goes on firing.
func (p *Policy) Every(t Token, channel int64, why Reason) time.Duration {
	var least time.Duration
	for _, r := range p.Rules {
		if r.Every > 0 && slices.Contains(r.Channels, channel) && r.fits(t, why) && (least == 0 || r.Every < least) {
			least = r.Every
		}
	}
	return least
}

// Free gives the first time from one on at which a channel may be told of a
// token that fires for a reason ("" is any, and of its end), and what holds it
// until then.
func (p *Policy) Free(t Token, channel int64, reason Reason, at time.Time) (free time.Time, why string) {
	for _, r := range p.Rules {
		if !slices.Contains(r.Channels, channel) || !r.fits(t, reason) {
			continue
		}
		if next, held := p.release(t, r, at); free.IsZero() || next.Before(free) {
			free, why = next, held
		}
	}
	if free.IsZero() {
		return p.release(t, Rule{}, at)
	}
	return free, why
}

// release gives the first time from one on at which nothing holds back what a
// rule tells of a token: neither hours, nor a window, nor that it is snoozed.
// why is what held it last.
func (p *Policy) release(t Token, r Rule, from time.Time) (at time.Time, why string) {
	if at = from; t.SnoozedUntil.After(at) {
		at, why = t.SnoozedUntil, "It is snoozed."
	}
	begun := at
	hours := r.Hours
	if r.Only {
		hours = hours.outside()
	}
	for range 100 {
		until := hours.End(at, p.Location())
		if p.Except.All() || !p.Except.Has(t) {
			until = p.Quiet.End(until, p.Location())
		}
		if until.After(at) {
			why = "Quiet hours."
		}
		if w, on := p.Maintenance(t, until); on {
			until, _ = w.At(until)
			why = "Maintenance: " + w.Name + "."
		}
		if until.Equal(at) {
			return at, why
		}
		at = until
	}
	return begun, "" // they leave no time at all: better told now than never
}

// Greets gives the policy with a new channel in it, which hears of everything
// at once: that is to be so until somebody says otherwise.
func (p *Policy) Greets(channel int64) *Policy {
	next := *p
	next.Rules = slices.Clone(p.Rules)
	for i, r := range next.Rules {
		if r.Pick.All() && len(r.Reasons) == 0 && r.After == 0 && r.Every == 0 && r.Hours.None() && r.Ends {
			next.Rules[i].Channels = append(slices.Clone(r.Channels), channel)
			return &next
		}
	}
	if len(p.Rules) < MaxRules { // else it hears nothing, and the page says so
		next.Rules = append(next.Rules, Rule{Channels: []int64{channel}, Ends: true})
	}
	return &next
}

// Without gives the policy without a channel, and without the rules that told
// nobody else.
func (p *Policy) Without(channel int64) *Policy {
	next := *p
	next.Rules = nil
	for _, r := range p.Rules {
		r.Channels = slices.DeleteFunc(slices.Clone(r.Channels), func(id int64) bool { return id == channel })
		if len(r.Channels) > 0 {
			next.Rules = append(next.Rules, r)
		}
	}
	return &next
}

// Validate checks what people write into a policy, and gives one [Error] for
// each field that is wrong: of the first rule "rules.0.pick" and so on, of
// windows as [Window.Validate] does.
func (p *Policy) Validate() []*Error {
	var errs []*Error
	if len(p.Rules) > MaxRules {
		errs = append(errs, invalid("rules", fmt.Sprintf("There are %d sentences; at most %d are possible.", len(p.Rules), MaxRules)))
	}
	for i, r := range p.Rules {
		add := func(field, message string) {
			errs = append(errs, invalid(fmt.Sprintf("rules.%d.%s", i, field), message))
		}
		if message := r.Pick.wrong(); message != "" {
			add("pick", message)
		}
		if len(r.Channels) == 0 {
			add("channels", "Choose at least one channel, or take the sentence away.")
		}
		if slices.ContainsFunc(r.Reasons, func(why Reason) bool { return why != Missed && why != Failed && why != Overran }) {
			add("reasons", "A token fires because it is missed, failed or overran.")
		}
		if r.After < 0 || r.After > MaxAfter {
			add("after", "Wait at most a week: write 0, 90s, 15m or 4h.")
		}
		if r.Every != 0 && (r.Every < MinEvery || r.Every > MaxEvery) {
			add("every", "Tell again at most once a minute and at least every 30 days: write 15m, 4h or 1d; 0 for once.")
		}
		if !r.Hours.valid() || r.Only && r.Hours.None() {
			add("hours", "Write two times of the clock, such as 22:00 and 07:00.")
		}
	}
	if !p.Quiet.valid() {
		errs = append(errs, invalid("quiet", "Write two times of the clock, such as 22:00 and 07:00."))
	}
	if message := p.Except.wrong(); message != "" {
		errs = append(errs, invalid("except", message))
	}
	if len(p.Windows) > MaxWindows {
		errs = append(errs, invalid("windows", fmt.Sprintf("There are %d windows; at most %d are possible. Remove those that are over.", len(p.Windows), MaxWindows)))
	}
	return errs
}

func (p Pick) wrong() string {
	for _, e := range (Token{Tags: p.Tags}).Validate() {
		if e.Field == "tags" {
			return e.Message
		}
	}
	if len(p.Tokens) > MaxPicked {
		return fmt.Sprintf("Name at most %d tokens one by one; for more, give them a tag.", MaxPicked)
	}
	return ""
}
