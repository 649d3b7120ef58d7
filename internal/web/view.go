package web

import (
	"fmt"
	"strings"
	"time"

	"kae"
	"kae/internal/roster"
)

// stamp is a time in JSON: RFC 3339 in UTC with microseconds, or null.
type stamp time.Time

// MarshalJSON gives the time.
func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + iso(t) + `"`), nil
}

// state is how a token's state looks: a shape, a word and, last, a colour.
type state struct {
	Rank  int // 1 is the worst
	Class string
	Icon  string
	Word  string
}

var looks = map[string]state{
	"late":     {Class: "late", Icon: "late"},
	"unknown":  {Class: "unk", Icon: "unk"},
	"running":  {Class: "run", Icon: "run"},
	"up":       {Class: "up", Icon: "up"},
	"new":      {Class: "new", Icon: "new"},
	"disabled": {Class: "dis", Icon: "dis"},
	"removed":  {Class: "dis", Icon: "gone"},
}

func stateOf(t kae.Token, now time.Time) state {
	rank := roster.Rank(t, t.Late(now))
	word := roster.States[rank-1]
	look, ok := looks[word]
	switch {
	case ok:
	case t.Reason == kae.Overran:
		word, look = "overran", state{Class: "fire over", Icon: "over"}
	case t.Reason == kae.Failed:
		word, look = "failed", state{Class: "fire fail", Icon: "fail"}
	default:
		word, look = "missed", state{Class: "fire miss", Icon: "miss"}
	}
	look.Rank, look.Word = rank, word
	return look
}

// tokenView is a token as pages and JSON show it.
type tokenView struct {
	ID          int64      `json:"id"`
	Value       string     `json:"value"`
	UUID        string     `json:"uuid"`
	URL         string     `json:"url"` // where heartbeats go
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Tags        []string   `json:"tags"`
	Schedule    string     `json:"schedule"` // as it was written
	Zone        string     `json:"zone"`     // by whose clock
	Grace       int64      `json:"grace"`    // seconds
	MaxRun      int64      `json:"max_run"`  // seconds; 0: as long as it likes
	FireAfter   int        `json:"fire_after"`
	BodyHas     string     `json:"body_has"`
	BodyLacks   string     `json:"body_lacks"`
	PostOnly    bool       `json:"post_only"`
	Status      kae.Status `json:"status"`
	Late        bool       `json:"late"`
	Running     bool       `json:"running"`
	Unknown     bool       `json:"unknown"`
	Ack         *ackView   `json:"acknowledged"`  // who looks after the firing; null: nobody
	Snoozed     stamp      `json:"snoozed_until"` // null: channels hear of it
	Strikes     int        `json:"strikes"`       // misses and failures in a row
	Beats       int64      `json:"beats"`
	StartedAt   stamp      `json:"started_at"`
	Took        *float64   `json:"took"` // seconds; null: not known
	LastAt      stamp      `json:"last_at"`
	DueAt       stamp      `json:"due_at"`
	Deadline    stamp      `json:"deadline"`
	CreatedAt   stamp      `json:"created_at"`
	RemovedAt   *stamp     `json:"removed_at,omitempty"` // only there when it is removed
	State       state      `json:"-"`
	Expected    string     `json:"-"`
	Written     string     `json:"-"` // a schedule by the clock as it was written, where words say it otherwise
	Where       string     `json:"-"` // the zone, where it matters
	NoZone      bool       `json:"-"` // which is not known here
	GraceWords  string     `json:"-"`
	Rules       []string   `json:"-"` // the less usual settings, in words
	Misses      string     `json:"-"` // that did not fire yet
	Ran         string     `json:"-"` // how long the newest run took
	Last        moment     `json:"-"`
	Due         moment     `json:"-"`
	Fires       moment     `json:"-"` // or when it fired
	Created     moment     `json:"-"`
	Flips       int64      `json:"-"`
	Masked      string     `json:"-"` // the URL, fit for eyes over shoulders
}

// ackView is somebody's word that they look after a firing.
type ackView struct {
	At  stamp  `json:"at"`
	By  string `json:"by"`
	Why string `json:"why"`
}

func view(t kae.Token, c clock, base string) tokenView {
	v := tokenView{
		ID: t.ID, Value: t.Value, UUID: t.UUID, URL: base + "/hb/" + t.Value,
		Name: t.Name, Description: t.Description, Tags: t.Tags,
		Schedule: t.Schedule.String(), Zone: t.Schedule.Zone().String(), Grace: int64(t.Grace / time.Second),
		MaxRun: int64(t.MaxRun / time.Second), FireAfter: max(1, t.FireAfter), BodyHas: t.BodyHas, BodyLacks: t.BodyLacks, PostOnly: t.PostOnly,
		Status: t.Status, Late: t.Late(c.now), Running: t.Running(), Unknown: t.Unknown,
		Strikes: t.Strikes, Beats: t.Beats, StartedAt: stamp(t.StartedAt),
		LastAt: stamp(t.LastAt), DueAt: stamp(t.DueAt), Deadline: stamp(t.Deadline), CreatedAt: stamp(t.CreatedAt),

		State:    stateOf(t, c.now),
		Expected: often(t.Schedule), GraceWords: length(t.Grace), Rules: rulesOf(t), Misses: strikesOf(t),
		Last: c.rel(t.LastAt), Due: c.rel(t.DueAt), Fires: c.rel(t.FiresAt()), Created: c.day(t.CreatedAt),
		Flips: t.Flips, Masked: mask(base, t.Value),
	}
	if v.Where = zoneOf(t.Schedule); v.Where != "" {
		_, err := kae.LoadZone(v.Zone)
		v.NoZone = err != nil
	}
	if words := strings.ReplaceAll(v.Schedule, "\n", "; "); t.Schedule.Clock() && words != v.Expected {
		v.Written = words
	}
	if v.Tags == nil {
		v.Tags = []string{}
	}
	if t.Took > 0 {
		seconds := t.Took.Seconds()
		v.Took, v.Ran = &seconds, took(t.Took)
	}
	if t.Status == kae.Firing {
		v.Fires = c.rel(t.FlippedAt)
	}
	if t.Ack != nil {
		v.Ack = &ackView{stamp(t.Ack.At), t.Ack.By, t.Ack.Why}
	}
	if t.Snoozed(c.now) {
		v.Snoozed = stamp(t.SnoozedUntil)
	}
	if t.Removed() {
		at := stamp(t.RemovedAt)
		v.RemovedAt = &at
	}
	return v
}

// rulesOf tells the less usual settings that a token has.
func rulesOf(t kae.Token) []string {
	var all []string
	if t.MaxRun > 0 {
		all = append(all, "Runs at most "+length(t.MaxRun)+".")
	}
	if t.FireAfter > 1 {
		all = append(all, fmt.Sprintf("Fires after %d misses in a row.", t.FireAfter))
	}
	if t.BodyHas != "" {
		all = append(all, "The body must contain “"+t.BodyHas+"”.")
	}
	if t.BodyLacks != "" {
		all = append(all, "The body must not contain “"+t.BodyLacks+"”.")
	}
	if t.PostOnly {
		all = append(all, "Takes POST and PUT only.")
	}
	return all
}

// mask hides most of a value.
func mask(base, value string) string {
	_, host, _ := strings.Cut(base, "://")
	return host + "/hb/" + value[:min(4, len(value))] + "••••••••"
}

// Gone tells whether the token is removed.
func (v tokenView) Gone() bool { return v.RemovedAt != nil }

// pageTitle tells the state in a browser's tab.
func (v tokenView) pageTitle() string { return v.State.Word + ": " + v.Name + ", kae" }
