package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kae"
	"kae/internal/roster"
)

const listSize = 100 // rows a page

// listPage is the list of tokens, worst first.
type listPage struct {
	frame  `json:"-"`
	Counts countsView  `json:"counts"`
	Tokens []tokenView `json:"tokens"`
	Next   *string     `json:"next"` // where the list goes on, if it does

	Info  infoView   `json:"-"`
	Query string     `json:"-"` // what is asked for, "" for all
	Fault string     `json:"-"` // why nothing can match
	First bool       `json:"-"` // nothing to watch yet: the form is the page
	More  bool       `json:"-"` // new tokens belong on this page
	Rest  bool       `json:"-"` // this page goes on after another
	Form  form       `json:"-"` // the short form
	Undo  *tokenView `json:"-"` // what was removed just now
	Note  *noteView  `json:"-"` // what was done to many tokens just now
	Stray int64      `json:"-"` // heartbeats with unknown values
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

	Total   int    `json:"-"`
	Removed int    `json:"-"`
	Is      string `json:"-"` // the filter in use
}

// countView is one of the counts.
type countView struct {
	N       int
	Look    state
	Current bool
}

// All gives the counts in their order: those that are *of which* only if
// there are any.
func (v countsView) All() []countView {
	var all []countView
	add := func(n int, word string, always bool) {
		if n == 0 && !always && v.Is != word {
			return
		}
		look, ok := looks[word]
		if !ok {
			look = state{Class: "fire", Icon: "fire"}
			if n == 0 {
				look.Class = "calm"
			}
		}
		look.Word = word
		all = append(all, countView{n, look, v.Is == word})
	}
	add(v.Firing, "firing", true)
	add(v.Late, "late", false)
	add(v.Running, "running", false)
	add(v.Up, "up", true)
	add(v.New, "new", true)
	add(v.Disabled, "disabled", true)
	add(v.Unknown, "unknown", false)
	return all
}

// infoView is the line between counts and list.
type infoView struct {
	Total int
	Next  *nextToFire
}

type nextToFire struct {
	ID   int64
	Name string
	When moment
}

// filter gives the one state that is asked for, if it is all that is.
func filter(query string) string {
	q, _ := parseSearch(query)
	if len(q.Is) == 1 && len(q.Tags)+len(q.Words) == 0 {
		return q.Is[0]
	}
	return ""
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	query := strings.TrimSpace(q.Get("q"))
	find, wrong := parseSearch(query)
	after := roster.Key{}
	if key := q.Get("after"); key != "" {
		var err error
		if after, err = roster.ParseKey(key); err != nil {
			return err
		}
	}
	c, base := s.clock(), s.base(r)
	page := listPage{frame: s.frame(c), Counts: s.counts(filter(query)), Tokens: []tokenView{}, Query: query, Rest: after != roster.Key{}}
	if e, ok := errors.AsType[*kae.Error](wrong); ok {
		if wantsJSON(r) {
			return e
		}
		page.Fault = e.Message
	} else {
		find.After, find.Limit = after, listSize
		found := s.Roster.Page(find)
		for _, t := range found.Tokens {
			page.Tokens = append(page.Tokens, view(t, c, base))
		}
		if found.More {
			page.Next = nextPage(query, found.Next)
		}
	}
	page.Title, page.Listing = title(page.Firing), true
	page.Info = s.info(c, page.Counts.Total)
	page.First = page.Counts.Total == 0 && query == "" && !page.Rest
	page.More = query == "" && !page.Rest && page.Next == nil
	page.Note = s.noted(q.Get("done"))
	_, page.Stray = s.strays.all(c.now)
	page.Undo = s.justRemoved(q.Get("removed"), c, base)
	return s.show(w, r, "list.html", page)
}

func (s *Server) counts(is string) countsView {
	n := s.Roster.Counts()
	return countsView{
		New: n.New, Up: n.Up, Firing: n.Firing, Disabled: n.Disabled,
		Late: n.Late, Running: n.Running, Unknown: n.Unknown,
		Total: n.New + n.Up + n.Firing + n.Disabled, Removed: n.Removed, Is: is,
	}
}

func (s *Server) info(c clock, total int) infoView {
	v := infoView{Total: total}
	if t, at, ok := s.Roster.NextToFire(); ok {
		v.Next = &nextToFire{t.ID, t.Name, c.rel(at)}
	}
	return v
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

// nextPage gives the relative URL of the list after a key.
func nextPage(query string, after roster.Key) *string {
	q := url.Values{"after": {after.String()}}
	if query != "" {
		q.Set("q", query)
	}
	u := "/?" + q.Encode()
	return &u
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
