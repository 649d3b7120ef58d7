package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kae"
)

const (
	maxBulkForm = 2 << 20          // bytes: ids of 100,000 tokens
	bulkAtOnce  = 512              // changes that wait for one commit; the keeper's queue has to hold heartbeats, too
	bulkLimit   = 25 * time.Second // less than HTTP has for an answer
)

// outcome is what became of the tokens that something was to be done to.
type outcome struct {
	Changed   int    `json:"changed"`
	Unchanged int    `json:"unchanged"` // were like that already
	Gone      int    `json:"gone"`      // removed meanwhile
	Refused   int    `json:"refused"`   // would have too many tags, or do not fire
	Key       string `json:"undo,omitempty"`

	done []int64 // the changed ones
	err  error   // why the rest was left alone, if it was
}

// bulk does one thing to many tokens.
func (s *Server) bulk(w http.ResponseWriter, r *http.Request) error {
	sent, err := readFormOf(w, r, maxBulkForm)
	if err != nil {
		return err
	}
	ids, err := s.chosen(sent)
	if err != nil {
		return err
	}
	todo, err := readDeed(sent)
	if err == nil && todo.asks() {
		if !wantsJSON(r) {
			return s.html(w, r, http.StatusOK, "bulk.html", s.bulkPage(sent, ids, todo, nil))
		}
		err = &kae.Error{Code: kae.Invalid, Field: todo.field(), Message: todo.question()}
	}
	if err == nil && todo.do == "snooze" {
		err = s.clocks(ids, todo.typed)
	}
	if err != nil {
		return s.bulkError(w, r, sent, ids, todo, err)
	}
	// Half of it is worse than all of it: it goes on when the browser leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), bulkLimit)
	defer cancel()
	result := s.changeAll(ctx, ids, todo.rule())
	s.wake() // what waits may be judged otherwise now
	if result.err != nil {
		return s.bulkError(w, r, sent, ids, todo, broken(todo, result, len(ids)))
	}
	n := note{Text: todo.told(result)}
	if todo.do == "remove" && result.Changed > 0 {
		n.ids = result.done
		n.Text += " What was removed can be brought back for a week."
	}
	key := s.notes.put(n, s.stamp())
	if wantsJSON(r) {
		if len(n.ids) > 0 {
			result.Key = key
		}
		return s.json(w, r, http.StatusOK, result)
	}
	seeOther(w, listAgain(sent, key), n.Text+"\n")
	return nil
}

// clocks tells whether tokens can be snoozed as it was typed, by the clock of
// each: what is over by one of them is done to none.
func (s *Server) clocks(ids []int64, typed string) error {
	zones := map[string]*time.Location{}
	for _, id := range ids {
		if t, ok := s.Roster.Get(id); ok {
			zones[t.Schedule.Zone().String()] = t.Schedule.Zone()
		}
	}
	if len(zones) == 0 {
		zones[""] = s.zoneOfNew()
	}
	for _, zone := range zones {
		if _, err := snoozeEnd(typed, zone, s.stamp()); err != nil {
			return err
		}
	}
	return nil
}

// chosen gives the tokens that a form names: by their ids, as all that match a
// search now, or as those that were removed together.
func (s *Server) chosen(sent url.Values) ([]int64, error) {
	if key := sent.Get("of"); key != "" {
		n, ok := s.notes.get(key, s.stamp())
		if !ok {
			return nil, &kae.Error{Code: kae.NotFound, Message: "kae no longer knows which tokens these were. What was removed stands in the list of removed tokens for a week."}
		}
		return n.ids, nil
	}
	if sent.Get("all") == "1" {
		q, err := parseSearch(sent.Get("q"))
		if err != nil {
			return nil, err
		}
		q.Now = s.stamp()
		return s.Roster.Match(q), nil
	}
	var ids []int64
	for _, text := range sent["id"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, &kae.Error{Code: kae.Invalid, Field: "id", Message: "Ids are numbers, each in a field of its own."}
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, &kae.Error{Code: kae.Invalid, Field: "id", Message: "No token was chosen. Go back, and mark those that are meant."}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// changeAll applies a rule to tokens, many at once, so that they share commits.
// When kae can't change one, it leaves the rest alone.
func (s *Server) changeAll(ctx context.Context, ids []int64, apply rule) outcome {
	var (
		result outcome
		mu     sync.Mutex
		next   atomic.Int64
		wg     sync.WaitGroup
	)
	for range min(bulkAtOnce, len(ids)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(ids) {
					return
				}
				_, err := s.Keeper.Change(ctx, ids[i], apply)
				mu.Lock()
				if !result.count(ids[i], err) {
					next.Store(int64(len(ids)))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(result.done)
	return result
}

// count adds what became of one token, and tells whether to go on.
func (o *outcome) count(id int64, err error) bool {
	switch {
	case err == nil:
		o.Changed++
		o.done = append(o.done, id)
	case errors.Is(err, errSame):
		o.Unchanged++
	case errors.Is(err, errTags), errors.Is(err, errCalm):
		o.Refused++
	case errors.Is(err, errRemoved), kae.ErrorCode(err) == kae.NotFound:
		o.Gone++
	default:
		if o.err == nil {
			o.err = err
		}
		return false
	}
	return true
}

// bulkPage asks for what is missing or wrong, with the choice kept.
type bulkPage struct {
	frame
	Heading string
	Names   string // of those that were chosen
	Button  string
	Fields  []field // what to ask for
	Problem string  // what is wrong with no field in particular
	Hidden  []hidden
	Back    string // to the list
}

// hidden is a field that only carries on what was chosen.
type hidden struct{ Name, Value string }

func (s *Server) bulkPage(sent url.Values, ids []int64, todo deed, err error) bulkPage {
	page := bulkPage{frame: s.frame(s.clock()), Heading: todo.heading(len(ids)), Names: s.names(ids), Button: todo.button(), Back: listAgain(sent, "")}
	page.Title = page.Heading + ", kae"
	for _, name := range []string{"do", "all", "of", "q", "sort", "t", "id"} {
		for _, value := range sent[name] {
			page.Hidden = append(page.Hidden, hidden{name, value})
		}
	}
	page.Fields = todo.ask()
	wrong := map[string]string{}
	for _, e := range faults(err) {
		wrong[e.Field] = e.Message
	}
	focus := 0
	for i := range page.Fields {
		f := &page.Fields[i]
		f.Says = says{Field: f.Name, Text: wrong[f.Name], Bad: wrong[f.Name] != ""}
		if f.Says.Bad && !page.Fields[focus].Says.Bad {
			focus = i
		}
		delete(wrong, f.Name)
	}
	if len(page.Fields) > 0 {
		page.Fields[focus].Focus = true
	}
	for _, message := range wrong {
		page.Problem = message
	}
	return page
}

// names tells some of the tokens that were chosen.
func (s *Server) names(ids []int64) string {
	var names []string
	for _, id := range ids[:min(3, len(ids))] {
		if t, ok := s.Roster.Get(id); ok {
			names = append(names, t.Name)
		}
	}
	told := strings.Join(names, "; ")
	if more := len(ids) - 3; more > 0 {
		told += fmt.Sprintf("; and %d more", more)
	}
	return told
}

// bulkError answers with what is wrong; people get the form again.
func (s *Server) bulkError(w http.ResponseWriter, r *http.Request, sent url.Values, ids []int64, todo deed, err error) error {
	code := kae.ErrorCode(err)
	if wantsJSON(r) || todo.do == "" || code != kae.Invalid && code != kae.Unavailable {
		return err
	}
	status, _ := reject(w, err)
	return s.html(w, r, status, "bulk.html", s.bulkPage(sent, ids, todo, err))
}

// listAgain is the address of the list that a form came from.
func listAgain(sent url.Values, key string) string {
	return listURL(map[string]string{"q": sent.Get("q"), "sort": sent.Get("sort"), "t": sent.Get("t"), "done": key})
}
