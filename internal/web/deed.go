package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"kae"
)

// deed is what is to be done to many tokens.
type deed struct {
	do    string
	typed string // what its field has, as it was written
	tags  []string
	grace time.Duration
	ack   kae.Ack
}

// The words of each deed.
var deeds = map[string]struct {
	field  string // what it needs
	button string
	told   string // with the tokens, and with what was asked for
}{
	"disable":     {"", "Disable", "%s disabled"},
	"enable":      {"", "Enable", "%s enabled"},
	"remove":      {"", "Remove", "%s removed"},
	"undo":        {"", "Bring back", "%s brought back"},
	"tag":         {"tags", "Add tags", "%s tagged %s"},
	"untag":       {"tags", "Take off tags", "%s no longer tagged %s"},
	"grace":       {"grace", "Set grace", "%s given %s of grace"},
	"snooze":      {"until", "Snooze", "%s snoozed %s"},
	"acknowledge": {"by", "Acknowledge", "%s acknowledged by %s"},
}

// deedNames is their order, for messages.
var deedNames = []string{"disable", "enable", "remove", "undo", "tag", "untag", "grace", "snooze", "acknowledge"}

// Why a token stays as it is.
var (
	errSame = &kae.Error{Code: conflict, Message: "This token is like that already."}
	errTags = &kae.Error{Code: kae.Invalid, Field: "tags", Message: fmt.Sprintf("It would have more than %d tags.", kae.MaxTags)}
)

// readDeed reads what a form asks for. After an error about a field the deed
// still has what was typed. Whether a time can be meant is for [Server.clocks]
// to say.
func readDeed(sent url.Values) (deed, error) {
	d := deed{do: sent.Get("do")}
	words, known := deeds[d.do]
	if !known {
		return deed{}, &kae.Error{Code: kae.Invalid, Field: "do", Message: "What can be done (do) is " + oneOf(deedNames) + "."}
	}
	if words.field == "" {
		return d, nil
	}
	d.typed = strings.TrimSpace(sent.Get(words.field))
	switch words.field {
	case "tags":
		d.tags = kae.ParseTags(d.typed)
		for _, e := range (kae.Token{Tags: d.tags}).Validate() {
			if e.Field == "tags" {
				return d, e
			}
		}
	case "grace":
		var err error
		if d.grace, err = kae.ParseGrace(d.typed); err != nil {
			return d, err
		}
	case "by":
		if d.ack = ackOf(sent); d.typed != "" {
			return d, ackFault(d.ack)
		}
	}
	return d, nil
}

func (d deed) field() string { return deeds[d.do].field }

func (d deed) button() string { return deeds[d.do].button }

// asks tells whether something is missing.
func (d deed) asks() bool {
	return d.field() != "" && d.typed == "" || d.field() == "tags" && len(d.tags) == 0
}

// ask gives the fields for it.
func (d deed) ask() []field {
	switch d.field() {
	case "":
		return nil
	case "grace":
		return []field{{Name: "grace", Label: "Grace", Value: d.typed, Code: true, Required: true,
			Hint: "How much later is still fine: 90s, 15m; 0 for none. A token that is overdue by it fires at once."}}
	case "until":
		return []field{{Name: "until", Label: "For how long, or until when", Value: d.typed, Placeholder: "2h", Code: true, Required: true,
			Hint: fmt.Sprintf("Such as 90m, 3d or 2026-11-28 09:00, by each token’s own clock; at most %d days. 0 ends a snooze.", maxSnoozeDays)}}
	case "by":
		by, why := byField(), whyField()
		by.Value, why.Value = d.typed, d.ack.Why
		return []field{by, why}
	}
	return []field{{Name: "tags", Label: "Tags", Value: d.typed, Placeholder: "db prod", Code: true, Required: true, Hint: "Words with spaces or commas between them."}}
}

// question says what is missing, to programs.
func (d deed) question() string {
	switch d.field() {
	case "grace":
		return "How much grace? Send grace, such as 90s, 15m or 0."
	case "until":
		return "For how long? Send until, such as 2h, 3d or 2026-11-28 09:00; 0 ends a snooze."
	case "by":
		return "Who looks after them? Send by, a name, and why if there is something to say."
	}
	return "Which tags? Send tags: words with spaces or commas between them."
}

// heading says what the page is about that asks.
func (d deed) heading(n int) string { return d.button() + ": " + plural(int64(n), "token") }

// rule is what a deed does to one token.
func (d deed) rule() rule {
	return func(t kae.Token, now time.Time) (kae.Change, error) {
		if t.Removed() != (d.do == "undo") {
			if d.do == "remove" || d.do == "undo" {
				return kae.Change{}, errSame
			}
			return kae.Change{}, errRemoved
		}
		switch set := t.Settings(); d.do {
		case "disable", "enable":
			if (t.Status == kae.Disabled) == (d.do == "disable") {
				return kae.Change{}, errSame
			}
			if d.do == "disable" {
				return t.Disable(now), nil
			}
			return t.Enable(now), nil
		case "remove":
			return t.Remove(now), nil
		case "undo":
			return t.Undo(now), nil
		case "grace":
			if set.Grace == d.grace {
				return kae.Change{}, errSame
			}
			set.Grace = d.grace
			return t.Edit(set, now), nil
		case "snooze":
			until, err := snoozeEnd(d.typed, t.Schedule.Zone(), now)
			if err == nil && until.IsZero() && !t.Snoozed(now) {
				err = errSame
			}
			return t.Snooze(until), err
		case "acknowledge":
			switch {
			case t.Status != kae.Firing:
				return kae.Change{}, errCalm
			case t.Ack != nil && t.Ack.By == d.ack.By && t.Ack.Why == d.ack.Why:
				return kae.Change{}, errSame
			}
			return t.Acknowledge(d.ack.By, d.ack.Why, now), nil
		default:
			return d.retag(t, set, now)
		}
	}
}

// retag gives a token its tags, or takes them off. A tag is the same in upper
// and lower case, as it is when one searches for it.
func (d deed) retag(t kae.Token, set kae.Settings, now time.Time) (kae.Change, error) {
	same := func(tag string) func(string) bool {
		return func(other string) bool { return strings.EqualFold(tag, other) }
	}
	var tags []string
	if d.do == "tag" {
		tags = slices.Clone(set.Tags)
		for _, tag := range d.tags {
			if !slices.ContainsFunc(tags, same(tag)) {
				tags = append(tags, tag)
			}
		}
	} else {
		for _, tag := range set.Tags {
			if !slices.ContainsFunc(d.tags, same(tag)) {
				tags = append(tags, tag)
			}
		}
	}
	switch {
	case len(tags) == len(set.Tags):
		return kae.Change{}, errSame
	case len(tags) > max(kae.MaxTags, len(set.Tags)):
		return kae.Change{}, errTags
	}
	set.Tags = tags
	return t.Edit(set, now), nil
}

// done says to how many tokens it was done.
func (d deed) done(n int) string {
	count := "No token"
	if n > 0 {
		count = plural(int64(n), "token")
	}
	switch told := deeds[d.do].told; d.field() {
	case "tags":
		return fmt.Sprintf(told, count, strings.Join(d.tags, ", "))
	case "grace":
		if d.grace == 0 {
			return count + " left without grace"
		}
		return fmt.Sprintf(told, count, length(d.grace))
	case "until":
		switch long, err := kae.ParseDuration(d.typed); {
		case err != nil:
			return fmt.Sprintf(told, count, "until "+d.typed)
		case long == 0:
			return count + " no longer snoozed"
		default:
			return fmt.Sprintf(told, count, "for "+length(long))
		}
	case "by":
		return fmt.Sprintf(told, count, d.ack.By)
	default:
		return fmt.Sprintf(told, count)
	}
}

// told says what was done, and what was not.
func (d deed) told(o outcome) string {
	parts := []string{d.done(o.Changed)}
	add := func(n int, one, many string) {
		if n == 1 {
			parts = append(parts, "1 "+one)
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %s", n, many))
		}
	}
	add(o.Unchanged, "was so already", "were so already")
	add(o.Gone, "is removed", "are removed")
	if d.do == "acknowledge" {
		add(o.Refused, "does not fire", "do not fire")
	} else {
		add(o.Refused, fmt.Sprintf("would have more than %d tags", kae.MaxTags), fmt.Sprintf("would have more than %d tags", kae.MaxTags))
	}
	return strings.Join(parts, "; ") + "."
}

// broken is the error of a deed that stopped in the middle: it says how far it
// came.
func broken(d deed, o outcome, n int) error {
	message := d.told(o)
	why := "Something went wrong inside kae"
	if code := kae.ErrorCode(o.err); code == kae.Unavailable {
		why = "kae can’t write to its database now"
	}
	left := n - o.Changed - o.Unchanged - o.Gone - o.Refused
	return &kae.Error{Code: kae.Unavailable, Message: fmt.Sprintf("%s. %s The other %d stay as they are: try again in a moment.", why, message, left), Err: o.err}
}
