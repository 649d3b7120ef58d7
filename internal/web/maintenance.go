package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"kae"
	"kae/internal/roster"
)

// keepWindows is for how long maintenance that is over stays in the list.
const keepWindows = week

// windowView is a time of maintenance as pages and JSON show it.
type windowView struct {
	ID     int64    `json:"id"`
	Name   string   `json:"name"`
	Which  string   `json:"which"` // any, tags or tokens
	Tags   []string `json:"tags"`
	Tokens []int64  `json:"tokens"`
	From   stamp    `json:"from"` // null: it comes again and again
	To     stamp    `json:"to"`
	Starts string   `json:"starts"` // "": it happens once
	Zone   string   `json:"zone"`   // by whose clock it starts
	Length int64    `json:"length"`
	State  string   `json:"state"` // on, to come or over
	Until  stamp    `json:"until"` // when it ends that is on
	Next   stamp    `json:"next"`  // null: it does not begin any more

	Look  state  `json:"-"`
	Icon  string `json:"-"` // whether it comes again
	Whose string `json:"-"` // its tokens in words
	Told  []part `json:"-"` // how far away that is
	When  []part `json:"-"`
	Ends  bool   `json:"-"` // it can be ended: it is on, and does not come again
}

// How a time of maintenance looks.
var windowLooks = map[string]state{
	"on":      {Class: "late", Icon: "dis"},
	"to come": {Class: "new", Icon: "new"},
	"over":    {Class: "dis", Icon: "up"},
}

func (s *Server) windowView(w kae.Window, c clock) windowView {
	v := windowView{
		ID: w.ID, Name: w.Name, Which: s.pickFormOf(w.Pick).Which, Tags: append([]string{}, w.Pick.Tags...), Tokens: append([]int64{}, w.Pick.Tokens...),
		From: stamp(w.From), To: stamp(w.To), Starts: w.Starts.String(), Length: int64(w.Length / time.Second),
		Next: stamp(w.Next(c.now)), Whose: s.pickWords(w.Pick),
	}
	if len(v.Tags) > 0 {
		v.Whose += fmt.Sprintf(", %d now", s.count([]kae.Window{w}))
	}
	v.Icon = "clock"
	if w.Starts.IsZero() {
		in := c.in(s.zoneOfNew())
		to := in.slot(w.To)
		if w.From.In(in.zone).Format(time.DateOnly) == w.To.In(in.zone).Format(time.DateOnly) {
			to = in.slotHour(w.To)
		}
		v.When = []part{text("once, from "), when(in.slot(w.From)), text(" to "), when(to), text(", " + in.zone.String())}
	} else {
		v.Icon = "again"
		v.Zone = w.Starts.Zone().String()
		words := often(w.Starts) + ", for " + length(w.Length)
		if zone := zoneOf(w.Starts); zone != "" {
			words += ", " + zone
		}
		v.When = []part{text(words)}
	}
	until, on := w.At(c.now)
	switch {
	case on:
		v.State, v.Until, v.Ends = "on", stamp(until), w.Starts.IsZero()
		v.Told = []part{text("ends "), when(c.rel(until))}
	case w.Over(c.now):
		v.State = "over"
		if w.Starts.IsZero() {
			v.Told = []part{text("ended "), when(c.rel(w.To))}
		}
	default:
		v.State = "to come"
		v.Told = []part{text("begins "), when(c.rel(w.Next(c.now)))}
	}
	v.Look = windowLooks[v.State]
	v.Look.Word = v.State
	return v
}

// maintenancePage is the list of maintenance with the form of another one, or
// the form of one that is edited.
type maintenancePage struct {
	frame   `json:"-"`
	Windows []windowView `json:"windows"`

	ID      int64      `json:"-"` // of what is edited; 0: nothing
	Edited  windowView `json:"-"`
	Heading string     `json:"-"`
	Form    windowForm `json:"-"`
	Problem string     `json:"-"` // what is wrong with no field in particular
	Note    *noteView  `json:"-"`
}

func (s *Server) maintenance(w http.ResponseWriter, r *http.Request) error {
	page := s.maintenancePage(s.windowFormOf(kae.Window{}))
	page.Note = s.noted(r.URL.Query().Get("done"))
	return s.show(w, r, "maintenance.html", page)
}

func (s *Server) maintenancePage(f windowForm) maintenancePage {
	c := s.clock()
	page := maintenancePage{frame: s.frame(c), Windows: []windowView{}, Form: f, Heading: "Maintenance"}
	for _, w := range windowsInOrder(s.Alerts.Policy().Windows, c.now) {
		if !longOver(w, c.now) {
			page.Windows = append(page.Windows, s.windowView(w, c))
		}
	}
	page.Title, page.Where = "Maintenance, kae", "channels"
	return page
}

// windowsInOrder gives what is on, what ends first above; then what is to come, and
// what is over.
func windowsInOrder(windows []kae.Window, now time.Time) []kae.Window {
	key := func(w kae.Window) (rank int, at int64) {
		until, on := w.At(now)
		switch next := w.Next(now); {
		case on:
			return 0, until.UnixMicro()
		case !next.IsZero():
			return 1, next.UnixMicro()
		}
		return 2, -w.To.UnixMicro()
	}
	windows = slices.Clone(windows)
	slices.SortStableFunc(windows, func(a, b kae.Window) int {
		rankA, atA := key(a)
		rankB, atB := key(b)
		return cmp.Or(cmp.Compare(rankA, rankB), cmp.Compare(atA, atB))
	})
	return windows
}

var errNoWindow = &kae.Error{Code: kae.NotFound, Message: "There is no such maintenance, or it was removed."}

// windowAt finds what a path names among the windows of a policy.
func windowAt(r *http.Request, windows []kae.Window) (int, error) {
	id, err := pathID(r, "id")
	i := slices.IndexFunc(windows, func(w kae.Window) bool { return w.ID == id })
	if err != nil || i < 0 {
		return 0, errNoWindow
	}
	return i, nil
}

// longOver tells whether a window was over for so long that it is dropped.
func longOver(w kae.Window, now time.Time) bool { return w.Over(now.Add(-keepWindows)) }

// changeWindows gives kae another list of windows, without those that were over
// long ago. The list that change gets is its own.
func (s *Server) changeWindows(ctx context.Context, change func(all []kae.Window, now time.Time) ([]kae.Window, error)) error {
	return s.Alerts.ChangePolicy(ctx, func(p kae.Policy) (kae.Policy, error) {
		now := s.stamp()
		all, err := change(slices.Clone(p.Windows), now)
		if err != nil {
			return kae.Policy{}, err
		}
		p.Windows = slices.DeleteFunc(all, func(w kae.Window) bool { return longOver(w, now) })
		return p, nil
	})
}

// endWindow ends maintenance before its time.
func (s *Server) endWindow(w http.ResponseWriter, r *http.Request) error {
	var ended kae.Window
	err := s.changeWindows(r.Context(), func(all []kae.Window, now time.Time) ([]kae.Window, error) {
		i, err := windowAt(r, all)
		if err != nil {
			return nil, err
		}
		if _, on := all[i].At(now); !on {
			return nil, &kae.Error{Code: conflict, Message: "This maintenance is not on now."}
		}
		if !all[i].Starts.IsZero() {
			return nil, &kae.Error{Code: conflict, Message: "This maintenance comes again and again, and can’t be ended for this time alone. Edit it, or remove it."}
		}
		all[i].To = now
		ended = all[i]
		return all, nil
	})
	if err != nil {
		return err
	}
	c := s.clock()
	return s.didWindow(w, r, s.windowView(ended, c), "Ended "+ended.Name+". Channels hear of what is still true.")
}

// removeWindow takes maintenance away; what is on is over with that.
func (s *Server) removeWindow(w http.ResponseWriter, r *http.Request) error {
	var was windowView
	err := s.changeWindows(r.Context(), func(all []kae.Window, now time.Time) ([]kae.Window, error) {
		i, err := windowAt(r, all)
		if err != nil {
			return nil, err
		}
		was = s.windowView(all[i], clock{now, s.zone})
		return slices.Delete(all, i, i+1), nil
	})
	if err != nil {
		return err
	}
	told := "Removed " + was.Name + "."
	if was.State == "on" {
		told += " Channels hear of what is still true."
	}
	return s.didWindow(w, r, was, told)
}

// didWindow answers after something was done by a button.
func (s *Server) didWindow(w http.ResponseWriter, r *http.Request, v windowView, told string) error {
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, v)
	}
	seeOther(w, "/maintenance?done="+s.notes.put(note{Text: told}, s.stamp()), told+"\n")
	return nil
}

// count tells how many tokens are in one of some windows.
func (s *Server) count(windows []kae.Window) int {
	in := map[int64]bool{}
	for _, w := range windows {
		if w.Pick.All() {
			n := s.Roster.Counts()
			return n.New + n.Up + n.Firing + n.Disabled
		}
		for _, tag := range w.Pick.Tags {
			for _, id := range s.Roster.Match(roster.Query{Tags: []string{tag}}) {
				in[id] = true
			}
		}
		for _, id := range w.Pick.Tokens {
			if t, ok := s.Roster.Get(id); ok && !t.Removed() {
				in[id] = true
			}
		}
	}
	return len(in)
}

// mostTold is how many windows the line above the list names.
const mostTold = 3

// maintained tells of the maintenance that is on; nil: there is none.
func (s *Server) maintained(c clock) []part {
	if s.Alerts == nil {
		return nil
	}
	on := slices.DeleteFunc(windowsInOrder(s.Alerts.Policy().Windows, c.now), func(w kae.Window) bool {
		_, on := w.At(c.now)
		return !on
	})
	if len(on) == 0 {
		return nil
	}
	parts := maintenanceUntil(on[0], c)
	for _, w := range on[1:min(len(on), mostTold)] {
		until, _ := w.At(c.now)
		parts = append(parts, text("; until "), when(c.toMinute(until)), text(": "+w.Name))
	}
	if more := len(on) - mostTold; more > 0 {
		parts = append(parts, text(fmt.Sprintf("; and %d more", more)))
	}
	whose := "no token: none is in it now."
	if slices.ContainsFunc(on, func(w kae.Window) bool { return w.Pick.All() }) {
		whose = "any token."
	} else if n := s.count(on); n > 0 {
		whose = plural(int64(n), "token") + "."
	}
	return append(parts, text(". Channels hear nothing of "+whose))
}

// maintainedOf tells of the maintenance that a token is in.
func (s *Server) maintainedOf(t kae.Token, c clock) []part {
	if s.Alerts == nil || t.Removed() {
		return nil
	}
	w, on := s.Alerts.Policy().Maintenance(t, c.now)
	if !on {
		return nil
	}
	return append(maintenanceUntil(w, c), text(". Channels hear nothing of it."))
}

func maintenanceUntil(w kae.Window, c clock) []part {
	until, _ := w.At(c.now)
	return []part{text("Maintenance until "), when(c.toMinute(until)), text(": " + strings.TrimSuffix(w.Name, "."))}
}

// toMinute tells a time to come to the minute, where it is today.
func (c clock) toMinute(t time.Time) moment {
	if t.In(c.zone).Format(time.DateOnly) == c.now.In(c.zone).Format(time.DateOnly) {
		return c.minute(t)
	}
	return c.at(t)
}
