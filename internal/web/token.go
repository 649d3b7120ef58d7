package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"kae"
)

// How much of a history a page has.
const (
	logSize     = 50  // rows of the log, heartbeats and flips together
	historySize = 100 // heartbeats in JSON, and as many flips
)

// tokenPage is one token with its history.
type tokenPage struct {
	frame      `json:"-"`
	Token      tokenView  `json:"token"`
	Heartbeats []beatView `json:"heartbeats"`
	Flips      []flipView `json:"flips"`
	Gaps       []gapView  `json:"gaps"`
	Next       *string    `json:"next"` // where older history is

	Sentence []part    `json:"-"`
	Log      []logRow  `json:"-"`
	LogFault string    `json:"-"` // why there is no log
	Hear     string    `json:"-"` // "listening" for the first heartbeat, or "heard" it
	From     string    `json:"-"` // where it came from
	At       moment    `json:"-"` // when
	Snippets []snippet `json:"-"`
	Older    bool      `json:"-"` // not the newest part of the log
}

type beatView struct {
	Number     int64    `json:"number"`
	At         stamp    `json:"at"`          // when it happened
	ReceivedAt stamp    `json:"received_at"` // when it arrived, if that was later; else null
	Kind       kae.Kind `json:"kind"`
	Exit       *int     `json:"exit"` // null: not told
	RunID      string   `json:"run_id"`
	Took       *float64 `json:"took"` // seconds; null: not known
	Message    string   `json:"message"`
	Body       *string  `json:"body"` // null: there was none, or it is no longer kept
	BodySize   int      `json:"body_size"`
	Remote     string   `json:"remote"`
	Agent      string   `json:"agent"`
}

type flipView struct {
	Number int64      `json:"number"`
	At     stamp      `json:"at"`
	From   kae.Status `json:"from"`
	To     kae.Status `json:"to"`
	Reason kae.Reason `json:"reason"`
}

type gapView struct {
	From stamp `json:"from"`
	To   stamp `json:"to"`
}

// place is where a page of history begins: before these numbers.
type place struct{ beats, flips int64 }

func placeOf(q url.Values) (place, error) {
	var p place
	for name, n := range map[string]*int64{"before": &p.beats, "flips": &p.flips} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		var err error
		if *n, err = strconv.ParseInt(text, 10, 64); err != nil || *n < 1 {
			return place{}, &kae.Error{Code: kae.Invalid, Field: name, Message: "That is not a place in the history."}
		}
	}
	return p, nil
}

func (p place) url(id int64) *string {
	u := fmt.Sprintf("/tokens/%d?before=%d&flips=%d", id, p.beats, p.flips)
	return &u
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) error {
	t, err := s.known(r)
	if err != nil {
		return err
	}
	from, err := placeOf(r.URL.Query())
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		page, err := s.history(r.Context(), t, s.base(r), from)
		if err != nil {
			return err
		}
		return s.json(w, r, http.StatusOK, page)
	}
	return s.html(w, r, http.StatusOK, "token.html", s.tokenPage(r.Context(), t, s.base(r), from))
}

// history makes the page that programs get.
func (s *Server) history(ctx context.Context, t kae.Token, base string, from place) (tokenPage, error) {
	h, err := s.History.History(ctx, t, kae.HistoryQuery{BeatsBefore: from.beats, FlipsBefore: from.flips, Limit: historySize + 1, Bodies: true})
	if err != nil {
		return tokenPage{}, err
	}
	page := tokenPage{Token: view(t, s.clock(), base), Heartbeats: []beatView{}, Flips: []flipView{}, Gaps: []gapView{}}
	more := len(h.Beats) > historySize || len(h.Flips) > historySize
	for _, b := range h.Beats[:min(historySize, len(h.Beats))] {
		page.Heartbeats, from.beats = append(page.Heartbeats, beatOf(b)), b.Number
	}
	for _, f := range h.Flips[:min(historySize, len(h.Flips))] {
		page.Flips, from.flips = append(page.Flips, flipView{f.Number, stamp(f.At), f.From, f.To, f.Reason}), f.Number
	}
	for _, g := range h.Gaps {
		page.Gaps = append(page.Gaps, gapView{stamp(g.From), stamp(g.To)})
	}
	if more {
		// A list that has ended goes on before its first number: with nothing.
		page.Next = place{max(1, from.beats), max(1, from.flips)}.url(t.ID)
	}
	return page, nil
}

func beatOf(b kae.Heartbeat) beatView {
	v := beatView{Number: b.Number, At: stamp(b.At), Kind: b.Kind, RunID: b.RunID, Message: b.Message, BodySize: b.BodySize, Remote: b.Remote, Agent: b.Agent}
	if b.BackDated() {
		v.ReceivedAt = stamp(b.Received)
	}
	if b.Exited {
		v.Exit = &b.Exit
	}
	if b.Took > 0 {
		seconds := b.Took.Seconds()
		v.Took = &seconds
	}
	if b.Body != nil {
		body := kae.CleanText(string(b.Body), kae.MaxBody)
		v.Body = &body
	}
	return v
}

// tokenPage makes the page that people get. A database that fails takes the
// log away and nothing else: the state is in memory.
func (s *Server) tokenPage(ctx context.Context, t kae.Token, base string, from place) tokenPage {
	c := s.clock()
	page := tokenPage{frame: s.frame(c), Token: view(t, c, base), Sentence: sentence(t, c), Older: from != place{}}
	page.Title = page.Token.pageTitle()
	page.Snippets = snippets(page.Token.URL, t)
	q := kae.HistoryQuery{BeatsBefore: from.beats, FlipsBefore: from.flips, Limit: logSize + 2, Bodies: true}
	if q.FlipsBefore > 0 {
		q.FlipsBefore++ // logOf asks what became of the first
	}
	h, err := s.History.History(ctx, t, q)
	if err != nil {
		s.Log.Warn("a log can't be read", "err", err)
		page.LogFault = "The log can’t be read now. What stands above is from memory and holds."
		return page
	}
	var next place
	var more bool
	page.Log, next, more = logOf(t, h, from, c)
	if more {
		page.Next = next.url(t.ID)
	}
	switch word := page.Token.State.Word; {
	case page.Older:
	case t.Beats == 0 && word == "new":
		page.Hear = "listening"
	case t.Beats == 1 && word == "up" && len(h.Beats) == 1:
		page.Hear, page.At, page.From = "heard", c.at(h.Beats[0].At), h.Beats[0].Remote
	}
	return page
}
