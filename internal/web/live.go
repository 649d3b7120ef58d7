package web

import (
	"context"
	"net/http"
	"net/url"
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
	p := &liveList{live: live, rows: map[int64]bool{}, more: q.Get("more") == "1"}
	p.is = filter(q.Get("q"))
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
}

// liveList is the list of tokens.
type liveList struct {
	live
	is   string
	ids  []int64        // the rows that the page had
	rows map[int64]bool // and has
	more bool           // new tokens are added, too
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
	ids := p.ids
	if p.more {
		for _, t := range p.Roster.Page(roster.Query{Limit: listSize}).Tokens {
			if !p.rows[t.ID] {
				ids = append(ids, t.ID)
			}
		}
	}
	for _, id := range ids {
		p.row(st, c, id)
	}
	p.around(ctx, st)
}

func (p *liveList) some(ctx context.Context, st *stream, changes []kae.Change) {
	c := p.clock()
	for _, change := range changes {
		p.row(st, c, change.Token.ID)
	}
	p.around(ctx, st)
}

// row sends a row as it is now, which may be newer than a change says.
func (p *liveList) row(st *stream, c clock, id int64) {
	t, ok := p.Roster.Get(id)
	if !ok || t.Removed() != (p.is == "removed") {
		if p.rows[id] {
			st.event("gone", strconv.FormatInt(id, 10))
		}
		return
	}
	if !p.rows[id] {
		if len(p.rows) >= listSize {
			return
		}
		p.rows[id] = true
	}
	st.send("row", "row", view(t, c, p.base))
}

func (p *liveList) around(_ context.Context, st *stream) {
	c := p.clock()
	counts := p.counts(p.is)
	st.block("counts", counts)
	st.block("next", p.info(c, counts.Total))
	p.header(st, c, title(counts.Firing))
}

// liveToken is the page of one token.
type liveToken struct {
	live
	id    int64
	place place     // what its log shows
	past  *past     // what was read of its history
	at    time.Time // when all of it was made
	fault bool      // the log could not be read
}

func (p *liveToken) wants(id int64) bool { return id == p.id }

func (p *liveToken) all(ctx context.Context, st *stream) {
	t, ok := p.Roster.Get(p.id)
	if !ok {
		st.event("gone", strconv.FormatInt(p.id, 10))
		return
	}
	page := p.tokenPage(ctx, t, p.base, p.place, p.past)
	p.fault, p.past, p.at = page.LogFault != "", page.past, p.stamp()
	for _, name := range []string{"head", "do", "hear", "slots", "took", "log", "side", "how"} {
		st.block(name, page)
	}
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
	// It may be readable by now; and what is missed adds up without a change.
	if p.fault || p.stamp().Sub(p.at) >= time.Minute {
		p.all(ctx, st)
		return
	}
	if t, ok := p.Roster.Get(p.id); ok {
		c := p.clock()
		p.header(st, c, view(t, c, p.base).pageTitle())
	}
}
