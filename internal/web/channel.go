package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kae"
	"kae/internal/notify"
	"kae/internal/roster"
)

// How far the log of a channel's deliveries goes.
const (
	deliverySize = 50  // on a page
	troubleRead  = 100 // of a channel that fails: what was given up is counted among them
)

// channelView is a channel as pages and JSON show it: without its secrets.
type channelView struct {
	ID           int64             `json:"id"`
	Name         string            `json:"name"`
	Kind         string            `json:"kind"`
	Settings     map[string]string `json:"settings"`
	Secrets      []string          `json:"secrets"` // the fields that are set and not shown
	State        string            `json:"state"`
	LastAt       stamp             `json:"last_at"`       // when the newest alert was accepted
	FailingSince stamp             `json:"failing_since"` // null: it delivers
	Problem      string            `json:"problem"`
	CreatedAt    stamp             `json:"created_at"`

	Look    state       `json:"-"`
	Icon    string      `json:"-"`
	Label   string      `json:"-"` // of its kind
	Target  string      `json:"-"` // where its alerts go, in short; "": only a secret would tell
	Told    []part      `json:"-"` // how its newest delivery went
	Trouble []part      `json:"-"` // why alerts do not get through
	Lead    []part      `json:"-"`
	Rows    []fieldView `json:"-"` // its settings
	Created moment      `json:"-"`
}

// fieldView is one setting on a channel's page.
type fieldView struct {
	Label, Value string
	Secret       bool
}

// The states of a channel: they look like those of tokens.
var channelLooks = map[string]state{
	"not used yet": {Class: "new", Icon: "new"},
	"delivers":     {Class: "up", Icon: "up"},
	"retrying":     {Class: "late", Icon: "late"},
	"given up":     {Class: "fire", Icon: "fail"},
}

// kindIcons are those of the kinds for which there is a better one than a hook.
var kindIcons = map[string]string{"email": "mail", "slack": "chat", "telegram": "chat", "ntfy": "phone", "pagerduty": "phone"}

// trouble is how it stands with a channel that fails.
type trouble struct {
	givenUp int       // alerts, since it fails
	next    time.Time // when it is tried again; zero: it is not
}

// troubleOf counts what did not get through. What the database does not tell
// now is left out: since when, and why, is in memory.
func (s *Server) troubleOf(ctx context.Context, c kae.Channel) trouble {
	var found trouble
	since := c.FailingSince.Truncate(time.Microsecond) // as deliveries are saved
	all, err := s.Alerts.Deliveries(ctx, kae.DeliveryQuery{ChannelID: c.ID, Limit: troubleRead})
	if err != nil {
		s.Log.Warn("a channel's deliveries can't be read", "err", err)
	}
	for _, d := range all {
		switch {
		case d.State == kae.GivenUp && !d.SettledAt.Before(since):
			found.givenUp++
		case d.State == kae.Waiting && (found.next.IsZero() || d.DueAt.Before(found.next)):
			found.next = d.DueAt
		}
	}
	return found
}

func (s *Server) channelView(ctx context.Context, ch kae.Channel, c clock) channelView {
	v := channelView{
		ID: ch.ID, Name: ch.Name, Kind: ch.Kind, Settings: map[string]string{}, Secrets: []string{}, State: "delivers",
		LastAt: stamp(ch.LastAt), FailingSince: stamp(ch.FailingSince), Problem: ch.Problem, CreatedAt: stamp(ch.CreatedAt),
		Icon: "hook", Created: c.day(ch.CreatedAt),
	}
	if icon, ok := kindIcons[ch.Kind]; ok {
		v.Icon = icon
	}
	var t trouble
	switch {
	case !ch.FailingSince.IsZero():
		v.State = "retrying"
		if t = s.troubleOf(ctx, ch); t.givenUp > 0 {
			v.State = "given up"
		}
	case ch.LastAt.IsZero():
		v.State = "not used yet"
	}
	v.Look = channelLooks[v.State]
	v.Look.Word = v.State
	v.tell(ch, t, c)
	v.show(ch, s.kind(ch.Kind))
	return v
}

// show puts the settings in that are no secrets: what the kind does not know
// may be one.
func (v *channelView) show(ch kae.Channel, k notify.Kind) {
	v.Label, v.Target = k.Label, notify.Where(ch.Kind, ch.Settings)
	known := map[string]bool{}
	for _, f := range k.Fields {
		known[f.Name] = true
		value := ch.Settings[f.Name]
		switch {
		case value == "":
			continue
		case f.Secret:
			v.Secrets = append(v.Secrets, f.Name)
		default:
			v.Settings[f.Name] = value
		}
		row := fieldView{Label: f.Label, Secret: f.Secret}
		if !f.Secret {
			row.Value = value
		}
		v.Rows = append(v.Rows, row)
	}
	for name, value := range ch.Settings {
		if !known[name] && value != "" {
			v.Secrets = append(v.Secrets, name)
		}
	}
	slices.Sort(v.Secrets)
}

// tell says how the channel does: short in a row, and as a sentence.
func (v *channelView) tell(ch kae.Channel, t trouble, c clock) {
	switch v.State {
	case "not used yet":
		v.Told = []part{text("no alert so far")}
		v.Lead = []part{text("No alert has gone there so far. A test shows whether one would get through.")}
		return
	case "delivers":
		v.Told = []part{when(c.rel(ch.LastAt))}
		v.Lead = []part{text("Alerts get through: the newest was accepted "), stress(c.rel(ch.LastAt)), text(".")}
		return
	}
	problem := strings.TrimSuffix(ch.Problem, ".")
	v.Told = []part{text(problem)}
	v.Trouble = []part{bold(ch.Name), text(" is not getting through since "), when(c.at(ch.FailingSince)), text(": " + problem + ".")}
	v.Lead = []part{bold("Not getting through"), text(" since "), stress(c.at(ch.FailingSince)), text(": " + problem + ".")}
	if t.givenUp > 0 {
		lost := text(" " + lostAlerts(t.givenUp))
		v.Trouble, v.Lead = append(v.Trouble, lost), append(v.Lead, lost)
	}
	if !t.next.IsZero() {
		v.Told = append(v.Told, text("; next try "), when(c.rel(t.next)))
		v.Lead = append(v.Lead, text(" The next try is "), when(c.rel(t.next)), text("."))
	}
	if !ch.LastAt.IsZero() {
		v.Told = append(v.Told, text("; was fine until "), when(c.at(ch.LastAt)))
		v.Lead = append(v.Lead, text(" The last that was accepted was "), when(c.at(ch.LastAt)), text("."))
	}
}

func lostAlerts(n int) string {
	switch {
	case n == 1:
		return "One alert was given up."
	case n == troubleRead:
		return plural(int64(n), "alert") + " or more were given up."
	}
	return plural(int64(n), "alert") + " were given up."
}

// kind gives a kind by its name; the zero one where there is none.
func (s *Server) kind(name string) notify.Kind {
	for _, k := range s.Alerts.Kinds() {
		if k.Name == name {
			return k
		}
	}
	return notify.Kind{Name: name, Label: name}
}

// channelsPage is the list of channels.
type channelsPage struct {
	frame    `json:"-"`
	Channels []channelView `json:"channels"`
	Waiting  int           `json:"undelivered"`

	Note   *noteView    `json:"-"`
	Policy policyForm   `json:"-"`
	Silent []string     `json:"-"` // channels that no sentence names
	Tokens []optionView `json:"-"` // of which one can ask what would happen
	Would  [][]part     `json:"-"`
}

func (s *Server) channels(w http.ResponseWriter, r *http.Request) error {
	page := s.channelsPage(r, s.clock())
	if !wantsJSON(r) {
		page.Policy = s.policyFormOf(s.Alerts.Policy())
	}
	return s.show(w, r, "channels.html", page)
}

// channelsPage is the page of channels, without the policy's form.
func (s *Server) channelsPage(r *http.Request, c clock) channelsPage {
	page := channelsPage{frame: s.frame(c), Channels: []channelView{}}
	page.Waiting, _ = s.Alerts.Undelivered()
	for _, ch := range s.Alerts.Channels() {
		page.Channels = append(page.Channels, s.channelView(r.Context(), ch, c))
	}
	page.Title, page.Where, page.Note = "Channels, kae", "channels", s.noted(r.URL.Query().Get("done"))
	if wantsJSON(r) {
		return page
	}
	policy := s.Alerts.Policy()
	for _, ch := range s.Alerts.Channels() {
		if !policy.Names(ch.ID) {
			page.Silent = append(page.Silent, ch.Name)
		}
	}
	page.Tokens, page.Would = s.supposed(r.URL.Query().Get("token"), c)
	return page
}

const supposable = 100 // tokens to choose from

// supposed tells what would happen if a token fired: the one that is asked for,
// or the first by name.
func (s *Server) supposed(asked string, c clock) (tokens []optionView, would [][]part) {
	found := s.Roster.Page(roster.Query{Sort: roster.ByName, Limit: supposable}).Tokens
	if id, err := strconv.ParseInt(asked, 10, 64); err == nil && !slices.ContainsFunc(found, func(t kae.Token) bool { return t.ID == id }) {
		if t, ok := s.Roster.Get(id); ok && !t.Removed() {
			found = append(found, t)
		}
	}
	for i, t := range found {
		id := strconv.FormatInt(t.ID, 10)
		tokens = append(tokens, optionView{id, t.Name, id == asked})
		if id == asked || i == 0 {
			would = s.wouldHear(t, c)
		}
	}
	return tokens, would
}

// channelOf finds the channel that a path names.
func (s *Server) channelOf(r *http.Request) (kae.Channel, error) {
	id, err := pathID(r, "id")
	if err == nil {
		for _, ch := range s.Alerts.Channels() {
			if ch.ID == id {
				return ch, nil
			}
		}
	}
	return kae.Channel{}, &kae.Error{Code: kae.NotFound, Message: "There is no such channel, or it was removed."}
}

// channelPage is one channel with what went there.
type channelPage struct {
	frame      `json:"-"`
	Channel    channelView    `json:"channel"`
	Deliveries []deliveryView `json:"deliveries"`
	Next       *string        `json:"next"` // where older ones are

	Older bool      `json:"-"` // not the newest part of the log
	Fault string    `json:"-"` // why there is no log
	Note  *noteView `json:"-"`
}

func (s *Server) channel(w http.ResponseWriter, r *http.Request) error {
	ch, err := s.channelOf(r)
	if err != nil {
		return err
	}
	before, err := deliveriesBefore(r.URL.Query())
	if err != nil {
		return err
	}
	c := s.clock()
	page := channelPage{frame: s.frame(c), Channel: s.channelView(r.Context(), ch, c), Older: before > 0}
	page.Title, page.Where, page.Note = ch.Name+", kae", "channel", s.noted(r.URL.Query().Get("done"))
	page.Deliveries, page.Next, err = s.deliveryLog(r.Context(), ch, before, c)
	if err != nil && wantsJSON(r) {
		return err
	}
	if err != nil {
		s.Log.Warn("a channel's deliveries can't be read", "err", err)
		page.Fault = "The log can’t be read now. What stands above is from memory and holds."
	}
	return s.show(w, r, "channel.html", page)
}
