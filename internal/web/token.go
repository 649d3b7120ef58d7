package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kae"
)

// How much of a history a page has.
const (
	logSize     = 50  // lines of the log, heartbeats and flips together
	logRead     = 200 // of each that are read for it: quiet stretches are one line each
	logAhead    = 8   // flips after those, which tell what became of the first
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

	Slots   []slotView   `json:"slots"`   // the newest expected times, oldest first
	History []recordView `json:"history"` // how it did

	Deliveries []deliveryView `json:"deliveries"` // the newest of its alerts
	SentFault  string         `json:"-"`          // why there are none
	Would      [][]part       `json:"-"`          // who would hear of it if it fired now

	Sentence []part    `json:"-"`
	Log      []logRow  `json:"-"`
	LogFault string    `json:"-"` // why there is no log
	Hear     string    `json:"-"` // "listening" for the first heartbeat, or "heard" it
	From     string    `json:"-"` // where it came from
	At       moment    `json:"-"` // when
	Snippets []snippet `json:"-"`
	Older    bool      `json:"-"` // not the newest part of the log
	Place    place     `json:"-"`
	Chart    chart     `json:"-"`
	Recorded bool      `json:"-"` // there is a history to tell
	RunsFrom moment    `json:"-"` // from when on durations are known, if that is later than asked
	past     *past
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
	Note   string     `json:"note"`
}

type gapView struct {
	From stamp `json:"from"`
	To   stamp `json:"to"`
}

// place is a part of a history: what came before these numbers (0: the
// newest), of which kind, and which quiet stretch is open.
type place struct {
	beats, flips int64
	show         string // "", "beats" or "flips"
	open         int64  // the number of a heartbeat in it
}

func placeOf(q url.Values) (place, error) {
	p := place{show: q.Get("show")}
	for name, n := range map[string]*int64{"before": &p.beats, "flips": &p.flips, "open": &p.open} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		var err error
		if *n, err = strconv.ParseInt(text, 10, 64); err != nil || *n < 1 {
			return place{}, &kae.Error{Code: kae.Invalid, Field: name, Message: "That is not a place in the history."}
		}
	}
	switch p.show {
	case "all":
		p.show = ""
	case "", "beats", "flips":
	default:
		return place{}, &kae.Error{Code: kae.Invalid, Field: "show", Message: "A log shows all, beats or flips."}
	}
	return p, nil
}

// Query writes a place into a URL.
func (p place) Query() string {
	var all []string
	for _, n := range []struct {
		name string
		n    int64
	}{{"before", p.beats}, {"flips", p.flips}, {"open", p.open}} {
		if n.n > 0 {
			all = append(all, fmt.Sprintf("%s=%d", n.name, n.n))
		}
	}
	if p.show != "" {
		all = append(all, "show="+p.show)
	}
	return strings.Join(all, "&")
}

func (p place) url(id int64) string {
	u := fmt.Sprintf("/tokens/%d", id)
	if q := p.Query(); q != "" {
		u += "?" + q
	}
	return u
}

// Shows tells whether a filter is the one that is chosen.
func (p place) Shows(what string) bool { return p.show == what }

// newest tells whether the log begins with what came last.
func (p place) newest() bool { return p.beats == 0 && p.flips == 0 }

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
	return s.html(w, r, http.StatusOK, "token.html", s.tokenPage(r.Context(), t, s.base(r), from, nil))
}

// history makes the page that programs get.
func (s *Server) history(ctx context.Context, t kae.Token, base string, from place) (tokenPage, error) {
	h, err := s.History.History(ctx, t, kae.HistoryQuery{BeatsBefore: from.beats, FlipsBefore: from.flips, Limit: historySize + 1, Bodies: true})
	if err != nil {
		return tokenPage{}, err
	}
	past, err := s.pastOf(ctx, t, nil, kae.History{})
	if err != nil {
		return tokenPage{}, err
	}
	c := s.clock()
	sent, err := s.deliveries(ctx, kae.DeliveryQuery{TokenID: t.ID, Limit: newestDeliveries}, c)
	if err != nil {
		return tokenPage{}, err
	}
	page := tokenPage{Token: view(t, c, base), Deliveries: sent, Slots: slotsOf(t, past, c), History: past.records(t, c), Heartbeats: []beatView{}, Flips: []flipView{}, Gaps: []gapView{}}
	more := len(h.Beats) > historySize || len(h.Flips) > historySize
	for _, b := range h.Beats[:min(historySize, len(h.Beats))] {
		page.Heartbeats, from.beats = append(page.Heartbeats, beatOf(b)), b.Number
	}
	for _, f := range h.Flips[:min(historySize, len(h.Flips))] {
		page.Flips, from.flips = append(page.Flips, flipView{f.Number, stamp(f.At), f.From, f.To, f.Reason, f.Note}), f.Number
	}
	for _, g := range h.Gaps {
		page.Gaps = append(page.Gaps, gapView{stamp(g.From), stamp(g.To)})
	}
	if more {
		// A list that has ended goes on before its first number: with nothing.
		next := place{beats: max(1, from.beats), flips: max(1, from.flips)}.url(t.ID)
		page.Next = &next
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
// history away and nothing else: the state is in memory. A stream gives what
// it has read before.
func (s *Server) tokenPage(ctx context.Context, t kae.Token, base string, from place, before *past) tokenPage {
	c := s.clock()
	page := tokenPage{frame: s.frame(c), Token: view(t, c, base), Older: !from.newest(), Place: from}
	page.Title, page.Script = page.Token.pageTitle(), "token.js"
	page.Snippets = snippets(page.Token.URL, t)
	page.Maintained = s.maintainedOf(t, c)
	page.Deliveries, page.SentFault = s.sentOf(ctx, t, c)
	if page.Channels > 0 && (t.Status == kae.Up || t.Status == kae.New) && !t.Removed() {
		page.Would = s.wouldHear(t, c)
	}
	log, err := s.readLog(ctx, t, from)
	if err == nil {
		page.past, err = s.pastOf(ctx, t, before, log)
	}
	if err != nil {
		s.Log.Warn("a history can't be read", "err", err)
		page.LogFault = "The log can’t be read now. What stands above is from memory and holds."
		page.Sentence, page.Chart = sentence(t, known{}, c), chartOf(t, nil, c)
		return page
	}
	page.Sentence = sentence(t, knownOf(t, page.past), c)
	page.Chart = chartOf(t, page.past, c)
	page.History = page.past.records(t, c)
	page.Recorded = len(page.past.flips) > 0
	if longest := page.History[len(page.History)-1]; len(page.past.took(time.Time{})) > 0 {
		page.RunsFrom = longest.RunsFrom
	}
	rows, next, more := logOf(t, log, from, page.Chart.Slots, c)
	if page.Log = rows; more {
		next := next.url(t.ID)
		page.Next = &next
	}
	switch word := page.Token.State.Word; {
	case page.Older:
	case t.Beats == 0 && word == "new":
		page.Hear = "listening"
	case t.Beats == 1 && word == "up" && len(log.Beats) == 1:
		page.Hear, page.At, page.From = "heard", c.at(log.Beats[0].At), log.Beats[0].Remote
	}
	return page
}

func (s *Server) readLog(ctx context.Context, t kae.Token, from place) (kae.History, error) {
	q := kae.HistoryQuery{BeatsBefore: from.beats, FlipsBefore: from.flips, Limit: logRead + 1 + logAhead, Bodies: true}
	if q.FlipsBefore > 0 {
		q.FlipsBefore += logAhead
	}
	return s.History.History(ctx, t, q)
}
