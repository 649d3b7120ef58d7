package web

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kae"
	"kae/internal/roster"
)

const listSize = 100 // rows a page

// listPage is the list of tokens.
type listPage struct {
	frame  `json:"-"`
	Counts countsView  `json:"counts"`
	Tokens []tokenView `json:"tokens"`
	Next   *string     `json:"next"` // where the list goes on, if it does

	Asked asked      `json:"-"`
	Rows  []rowView  `json:"-"`
	Info  infoView   `json:"-"`
	Axis  string     `json:"-"` // of the timelines
	Grid  gridView   `json:"-"`
	Folds []foldView `json:"-"` // what a phone shows as a count only
	Fault string     `json:"-"` // why nothing can match
	Note  *noteView  `json:"-"` // what was done to many tokens just now
	Stray int64      `json:"-"` // heartbeats with unknown values
	First bool       `json:"-"` // nothing to watch yet: the form is the page
	More  bool       `json:"-"` // it has all that match: what begins to match belongs on it
	Form  form       `json:"-"` // the short form
	Undo  *tokenView `json:"-"` // what was removed just now
}

// rowView is a token as the list shows it. It has what a row needs and no more:
// a template finds a field by its name, one after the other.
type rowView struct {
	ID           int64
	State        state
	Beats, Flips int64
	Name         string
	Misses       string
	Tags         []string
	Expected     string
	Shortly      string
	Line         template.HTML // its timeline, on the axis of all rows
	Slots        template.HTML // its own newest slots, on a card
	Sum, But     string        // both in words, and what was wrong
	Last         moment
	Due, Fires   moment
	Ran          string
	URL          string // "" when it is removed
	Ack          *ackView
	Until        moment // when its snooze ends
	Snoozed      int64  // the same, in seconds; 0: it is not
}

func (s *Server) row(t kae.Token, v tokenView, c clock, r ruler) rowView {
	slots := t.LastSlots(c.now, kae.MaxSlots)
	row := rowView{
		ID: v.ID, State: v.State, Beats: v.Beats, Flips: v.Flips, Name: v.Name, Misses: v.Misses, Tags: v.Tags,
		Expected: v.Expected, Shortly: shortly(v.Expected), Line: r.timeline(t), Slots: cardline(t, slots),
		Last: v.Last, Due: v.Due, Fires: v.Fires, Ran: v.Ran, URL: v.URL, Ack: v.Ack,
	}
	if v.Where != "" {
		row.Expected += ", " + v.Where
	}
	if v.Gone() {
		row.URL = ""
	}
	if end := time.Time(v.Snoozed); !end.IsZero() && !v.Gone() {
		row.Until, row.Snoozed = c.soon(end), end.Unix()
	}
	row.Sum, row.But = inBrief(t, slots, c)
	return row
}

// Told says in full what a row has in short: who looks after it, and why.
func (a ackView) Told() string {
	told := "Acknowledged by " + a.By
	if a.Why != "" {
		told += ": " + a.Why
	}
	return told
}

// Search gives the search for what has a tag.
func (rowView) Search(tag string) template.URL {
	// A colon needs no escaping: people read addresses.
	return template.URL(strings.ReplaceAll(url.QueryEscape(term{"tag", tag}.String()), "%3A", ":"))
}

// countsView is the counts, each a filter.
type countsView struct {
	New      int `json:"new"`
	Up       int `json:"up"`
	Firing   int `json:"firing"`
	Disabled int `json:"disabled"`
	Late     int `json:"late"`
	Running  int `json:"running"`
	Unknown  int `json:"unknown"`

	Total   int          `json:"-"`
	Removed int          `json:"-"`
	Is      string       `json:"-"` // the filter in use
	Rest    template.URL `json:"-"` // of the address
}

// Problems counts what a phone shows first.
func (v countsView) Problems() int { return v.Firing + v.Late + v.Unknown }

// countView is one of the counts.
type countView struct {
	N       int
	Look    state
	Current bool
}

// All gives the counts in their order. They keep their places, whatever happens;
// unknown, which is seldom, comes last and only if there are any.
func (v countsView) All() []countView {
	var all []countView
	add := func(n int, word string, always bool) {
		if n == 0 && !always && v.Is != word {
			return
		}
		look, ok := looks[word]
		if !ok {
			look = state{Class: "fire", Icon: "fire"}
		}
		if n == 0 {
			look.Class = "calm"
		}
		look.Word = word
		all = append(all, countView{n, look, v.Is == word})
	}
	add(v.Firing, "firing", true)
	add(v.Late, "late", true)
	add(v.Running, "running", true)
	add(v.Up, "up", true)
	add(v.New, "new", true)
	add(v.Disabled, "disabled", true)
	add(v.Unknown, "unknown", false)
	return all
}

// infoView is the line between counts and list.
type infoView struct {
	Total int
	Match bool // of those that match
	Order string
	Up    int // all on time; 0: something is not
	Due   moment
	Next  *nextToFire
}

type nextToFire struct {
	ID   int64
	Name string
	When moment
}

// foldView is what a phone shows of the tokens of a state that is no trouble.
type foldView struct {
	N    int
	Look state
	Told string
	When moment
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	ask, err := s.asked(r)
	if err != nil {
		return err
	}
	q, fault := ask.find()
	if fault != nil && wantsJSON(r) {
		return fault // a typing error must not look like an empty list
	}
	c, base := s.clock(), s.base(r)
	q.Now = c.now
	page := listPage{frame: s.frame(c), Counts: s.counts(ask), Tokens: []tokenView{}, Asked: ask}
	var found roster.Page
	if e, ok := errors.AsType[*kae.Error](fault); ok {
		page.Fault = e.Message
	} else {
		found = s.Roster.Page(q)
	}
	axis := ask.axis(found.Tokens, c.now)
	ruler := c.ruler(axis)
	for _, t := range found.Tokens {
		v := view(t, c, base)
		page.Tokens = append(page.Tokens, v)
		if !wantsJSON(r) {
			page.Rows = append(page.Rows, s.row(t, v, c, ruler))
		}
	}
	if found.More {
		next := ask.after(found.Next)
		page.Next = &next
	}
	page.Title, page.Listing, page.Script = title(page.Firing), true, "list.js"
	page.Maintained = s.maintained(c)
	page.Axis, page.Grid = axes[axis].Key, c.grid(axis, s.Roster.Gaps())
	page.Info = s.info(c, ask, page.Counts, found.Total)
	page.First = page.Counts.Total == 0 && ask.Query == "" && !ask.Rest()
	page.More = fault == nil && !ask.Rest() && page.Next == nil
	if ask.folded() {
		page.Folds = s.folds(c, page.Counts)
	}
	page.Note = s.noted(r.URL.Query().Get("done"))
	_, page.Stray = s.strays.all(c.now)
	page.Undo = s.justRemoved(r.URL.Query().Get("removed"), c, base)
	return s.show(w, r, "list.html", page)
}

func (s *Server) counts(ask asked) countsView {
	n := s.Roster.Counts()
	return countsView{
		New: n.New, Up: n.Up, Firing: n.Firing, Disabled: n.Disabled,
		Late: n.Late, Running: n.Running, Unknown: n.Unknown,
		Total: n.New + n.Up + n.Firing + n.Disabled, Removed: n.Removed, Is: ask.filter(), Rest: template.URL(ask.rest()),
	}
}

func (s *Server) info(c clock, ask asked, n countsView, total int) infoView {
	v := infoView{Total: total, Match: ask.Query != "", Order: sorts[ask.Sort].told}
	if ask.removed() && ask.Sort == "" {
		v.Order = "the one removed last first"
	}
	if !v.Match {
		v.Total = n.Total
		if n.Problems() == 0 {
			v.Up = n.Up
		}
	}
	if t, ok := s.Roster.NextDue(); ok && v.Up > 0 {
		v.Due = c.rel(t.DueAt)
	}
	if t, at, ok := s.Roster.NextToFire(); ok {
		v.Next = &nextToFire{t.ID, t.Name, c.rel(at)}
	}
	return v
}

func (s *Server) folds(c clock, n countsView) []foldView {
	var all []foldView
	add := func(n int, word, told string, when moment) {
		if n > 0 {
			look := looks[word]
			look.Word = word
			all = append(all, foldView{n, look, told, when})
		}
	}
	var due moment
	if t, ok := s.Roster.NextDue(); ok {
		due = c.rel(t.DueAt)
	}
	add(n.Running, "running", "", moment{})
	add(n.Up, "up", "next due ", due)
	add(n.New, "new", "nothing heard yet", moment{})
	add(n.Disabled, "disabled", "", moment{})
	return all
}

// justRemoved gives the token whose removal can be undone on the spot.
func (s *Server) justRemoved(id string, c clock, base string) *tokenView {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	t, ok := s.Roster.Get(n)
	if !ok || !t.Removed() {
		return nil
	}
	v := view(t, c, base)
	return &v
}

// title is the title of the list: it shows the number firing in a tab.
func title(firing int) string {
	if firing == 0 {
		return "kae"
	}
	return "(" + strconv.Itoa(firing) + ") kae"
}

// known finds the token that a path names.
func (s *Server) known(r *http.Request) (kae.Token, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return kae.Token{}, err
	}
	t, ok := s.Roster.Get(id)
	if !ok {
		return kae.Token{}, &kae.Error{Code: kae.NotFound, Message: "There is no such token, or it is gone for good."}
	}
	return t, nil
}
