package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kae"
	"kae/internal/roster"
)

// asked is what a list is asked for: all that its address says.
type asked struct {
	Query string // what to search for; "": all
	Sort  string // a key of sorts; "": worst first
	Axis  string // of the timelines; "": whichever fits
	All   bool   // on phones, too, the whole list
	key   string // of After, as it came
	After roster.Key

	liked string // the axis that was chosen the last time
}

// sorts are the orders of the list.
var sorts = map[string]struct {
	roster.Sort
	told string
}{
	"":        {roster.Worst, "worst first"},
	"name":    {roster.ByName, "by name"},
	"last":    {roster.ByLast, "newest heartbeat first"},
	"created": {roster.ByCreated, "newest first"},
}

func (s *Server) asked(r *http.Request) (asked, error) {
	q := r.URL.Query()
	a := asked{Query: strings.TrimSpace(q.Get("q")), Sort: q.Get("sort"), Axis: q.Get("t"), All: q.Has("q"), key: q.Get("after")}
	if _, ok := sorts[a.Sort]; !ok {
		a.Sort = "" // "worst", too
	}
	if _, ok := axisNamed(a.Axis); !ok {
		a.Axis = ""
	}
	// A script keeps what was chosen; without one the links carry it on.
	if cookie, err := r.Cookie("t"); err == nil {
		a.liked = cookie.Value
	}
	var err error
	if a.key != "" {
		a.After, err = roster.ParseKey(a.key)
	}
	return a, err
}

// find makes the query for the roster; [parseSearch] says what is wrong.
func (a asked) find() (roster.Query, error) {
	q, err := parseSearch(a.Query)
	q.Sort, q.After, q.Limit = sorts[a.Sort].Sort, a.After, listSize
	return q, err
}

// filter gives the one state that is asked for, if it is all that is.
func (a asked) filter() string {
	q, _ := parseSearch(a.Query)
	if len(q.Is) == 1 && len(q.Tags)+len(q.Words) == 0 {
		return q.Is[0]
	}
	return ""
}

// removed tells whether removed tokens are asked for.
func (a asked) removed() bool {
	q, _ := parseSearch(a.Query)
	return slices.Contains(q.Is, "removed")
}

// axis tells which one the timelines stand on.
func (a asked) axis(tokens []kae.Token, now time.Time) kae.Axis {
	for _, key := range []string{a.Axis, a.liked} {
		if axis, ok := axisNamed(key); ok {
			return axis
		}
	}
	return fittingAxis(tokens, now)
}

// Rest tells whether the page goes on after another.
func (a asked) Rest() bool { return a.key != "" }

// folded tells whether a phone shows the trouble only.
func (a asked) folded() bool { return !a.All && a.Sort == "" && !a.Rest() }

// url is the address of the list, without what is as it is anyway.
func (a asked) url() string {
	return listURL(map[string]string{"q": a.Query, "sort": a.Sort, "t": a.Axis, "after": a.key})
}

func listURL(all map[string]string) string {
	q := url.Values{}
	for name, value := range all {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// rest is what a link to another filter takes along.
func (a asked) rest() string {
	if a.Axis == "" {
		return ""
	}
	return "&t=" + a.Axis
}

func (a asked) after(key roster.Key) string { a.key = key.String(); return a.url() }

// By is the same list in another order, from its start.
func (a asked) By(sort string) string {
	if a.Sort, a.key = sort, ""; sort == "worst" {
		a.Sort = ""
	}
	return a.url()
}

// On is the same page on another axis.
func (a asked) On(axis string) string { a.Axis = axis; return a.url() }

// Clear is the list without a filter.
func (a asked) Clear() string { a.Query, a.key = "", ""; return a.url() }

// Start is the first page.
func (a asked) Start() string { a.key = ""; return a.url() }
