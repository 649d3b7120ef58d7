package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kae"
	"kae/internal/roster"
)

// livePage is a page that a stream keeps up to date.
type livePage interface {
	wants(id int64) bool                                        // whether it shows a token
	all(ctx context.Context, st *stream)                        // everything
	some(ctx context.Context, st *stream, changes []kae.Change) // what changed
	around(ctx context.Context, st *stream)                     // what is not of one token
}

// pageOf tells which page asks.
func (s *Server) pageOf(r *http.Request) (livePage, error) {
	q := r.URL.Query()
	live := live{s, s.base(r)}
	if text := q.Get("token"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, &kae.Error{Code: kae.Invalid, Field: "token", Message: "That is not the id of a token."}
		}
		if _, ok := s.Roster.Get(id); !ok {
			return nil, &kae.Error{Code: kae.NotFound, Message: "There is no such token, or it is gone for good."}
		}
		at, err := placeOf(url.Values{"show": q["show"], "open": q["open"]})
		if err != nil {
			return nil, err
		}
		return &liveToken{live: live, id: id, place: at}, nil
	}
	ask, err := s.asked(r)
	if err != nil {
		return nil, err
	}
	find, fault := ask.find()
	p := &liveList{live: live, asked: ask, find: find, rows: map[int64]bool{}, more: q.Get("more") == "1" && fault == nil}
	p.axis, _ = axisNamed(ask.Axis)
	for text := range strings.SplitSeq(q.Get("ids"), ",") {
		if text == "" {
			continue
		}
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || len(p.rows) >= maxRows {
			return nil, &kae.Error{Code: kae.Invalid, Field: "ids", Message: "Ids are numbers with commas between them, at most 200."}
		}
		p.ids, p.rows[id] = append(p.ids, id), true
	}
	return p, nil
}

type live struct {
	*Server
	base string
}

// header renders what the layout has of the state of all tokens.
func (l live) header(st *stream, c clock, title string) {
	f := l.frame(c)
	f.Title = title
	st.block("title", f)
	st.block("favicon", f)
	st.block("logo", f)
	st.block("trouble", f)
	st.block("heading", f)
	if f.Alerts {
		st.block("undelivered", f)
		st.block("nowhere", f)
	}
}

// maintenance renders what is said of the maintenance that is on.
func (l live) maintenance(st *stream, told []part) {
	if l.Alerts != nil {
		st.block("maintenance", frame{Alerts: true, Maintained: told})
	}
}

// liveList is the list of tokens.
type liveList struct {
	live
	asked asked
	axis  kae.Axis
	find  roster.Query
	ids   []int64        // the rows that the page has
	rows  map[int64]bool // the same
	more  bool           // what begins to match is added, too
	total int            // tokens that match, if some need not
	drawn [2]time.Time   // where the axis began, and which half hour it was, when all rows were sent
	wakes time.Time      // when the first snooze of a row ends; zero: none is
}

// wants is called while publishing: it only reads what never changes.
func (p *liveList) wants(id int64) bool {
	if p.more {
		return true
	}
	return p.rows[id]
}

func (p *liveList) all(ctx context.Context, st *stream) {
	c := p.clock()
	ids := slices.Clone(p.ids)
	if p.more {
		p.find.Now = c.now
		for _, t := range p.Roster.Page(p.find).Tokens {
			if !p.rows[t.ID] {
				ids = append(ids, t.ID)
			}
		}
	}
	p.send(st, c, ids)
	p.count()
	p.header(st, c)
	p.maintenance(st, p.maintained(c))
	st.block("grid", c.grid(p.axis, p.Roster.Gaps()))
}

// send sends rows. From then on it is known when they have to be drawn anew,
// even if nothing happens to them: when the axis moves on, every half hour for
// what is overdue, and when a snooze ends.
func (p *liveList) send(st *stream, c clock, ids []int64) {
	r := c.ruler(p.axis)
	p.drawn, p.wakes = drawnAt(c, r), time.Time{}
	for _, id := range ids {
		p.row(st, c, r, id)
	}
}

func drawnAt(c clock, r ruler) [2]time.Time {
	return [2]time.Time{r.start, c.now.Truncate(kae.Day.Cell())}
}

func (p *liveList) some(_ context.Context, st *stream, changes []kae.Change) {
	c := p.clock()
	r := c.ruler(p.axis)
	had := len(p.rows)
	for _, change := range changes {
		p.row(st, c, r, change.Token.ID)
	}
	if len(p.rows) > had {
		p.count()
	}
	p.header(st, c)
}

// row sends a row as it is now, which may be newer than a change says.
func (p *liveList) row(st *stream, c clock, r ruler, id int64) {
	t, ok := p.Roster.Get(id)
	if !ok || t.Removed() != p.asked.removed() {
		if p.rows[id] {
			st.gone(id)
		}
		return
	}
	if !p.rows[id] {
		if p.find.Now = c.now; len(p.rows) >= listSize || !p.Roster.Fits(id, p.find) {
			return
		}
		p.rows[id] = true
		p.ids = append(p.ids, id)
	}
	if t.Snoozed(c.now) && (p.wakes.IsZero() || t.SnoozedUntil.Before(p.wakes)) {
		p.wakes = t.SnoozedUntil
	}
	st.row(id, p.Server.row(t, view(t, c, p.base), c, r))
}

func (p *liveList) around(_ context.Context, st *stream) {
	c := p.clock()
	if p.drawn != drawnAt(c, c.ruler(p.axis)) || !p.wakes.IsZero() && !c.now.Before(p.wakes) {
		p.send(st, c, p.ids)
	}
	p.count()
	p.header(st, c)
	p.maintenance(st, p.maintained(c)) // not at every heartbeat, either
	st.block("grid", c.grid(p.axis, p.Roster.Gaps()))
}

// count finds out how many tokens match, which is too much to do at every
// heartbeat.
func (p *liveList) count() {
	if q, fault := p.asked.find(); fault == nil && p.asked.Query != "" {
		q.Limit, q.Now = 1, p.stamp()
		p.total = p.Roster.Page(q).Total
	}
}

// header sends what is not of one token.
func (p *liveList) header(st *stream, c clock) {
	counts := p.counts(p.asked)
	st.block("counts", counts)
	st.block("problems", counts)
	st.block("next", p.info(c, p.asked, counts, p.total))
	if p.asked.folded() {
		st.block("folds", p.folds(c, counts))
	}
	p.live.header(st, c, title(counts.Firing))
}

// liveToken is the page of one token.
type liveToken struct {
	live
	id    int64
	place place     // what its log shows
	past  *past     // what was read of its history
	at    time.Time // when all of it was made
	again bool      // something could not be read, or an alert is on its way
}

func (p *liveToken) wants(id int64) bool { return id == p.id }

func (p *liveToken) all(ctx context.Context, st *stream) {
	t, ok := p.Roster.Get(p.id)
	if !ok {
		st.gone(p.id)
		return
	}
	page := p.tokenPage(ctx, t, p.base, p.place, p.past)
	onItsWay := func(d deliveryView) bool { return d.State == kae.Waiting }
	p.again = page.LogFault != "" || page.SentFault != "" || slices.ContainsFunc(page.Deliveries, onItsWay)
	p.past, p.at = page.past, p.stamp()
	for _, name := range []string{"head", "do", "hear", "slots", "took", "log", "side", "how"} {
		st.block(name, page)
	}
	p.maintenance(st, page.Maintained) // it stands in the head, and changes by itself
	p.header(st, p.clock(), page.Title)
}

func (p *liveToken) some(ctx context.Context, st *stream, changes []kae.Change) {
	if len(changes) > 0 {
		p.all(ctx, st)
		return
	}
	p.around(ctx, st)
}

func (p *liveToken) around(ctx context.Context, st *stream) {
	t, ok := p.Roster.Get(p.id)
	woke := t.Snoozed(p.at) && !t.Snoozed(p.stamp())
	// It may be readable by now, or have arrived; and what is missed adds up
	// without a change.
	if p.again || woke || p.stamp().Sub(p.at) >= time.Minute {
		p.all(ctx, st)
		return
	}
	if ok {
		c := p.clock()
		p.maintenance(st, p.maintainedOf(t, c))
		p.header(st, c, view(t, c, p.base).pageTitle())
	}
}
