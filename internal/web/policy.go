package web

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"kae"
)

// policyView is who is told what, in JSON.
type policyView struct {
	Zone   string     `json:"zone"` // by whose clock the hours are
	Rules  []ruleView `json:"rules"`
	Quiet  *hoursView `json:"quiet"`  // when nothing is sent; null: there are no such hours
	Except pickView   `json:"except"` // the tokens of which it is, all the same
}

type ruleView struct {
	pickView
	Reasons  []kae.Reason `json:"reasons"`  // none: whatever it is
	Channels []int64      `json:"channels"` // ids
	After    int64        `json:"after"`    // seconds that it has to fire first
	Every    int64        `json:"every"`    // seconds after which it is told again; 0: it is not
	Hours    *hoursView   `json:"hours"`    // null: at any time
	Ends     bool         `json:"ends"`     // told of the end, too
}

type pickView struct {
	Tags   []string `json:"tags"`
	Tokens []int64  `json:"tokens"` // ids; without either, any token is meant
}

type hoursView struct {
	From string `json:"from"` // 22:00
	To   string `json:"to"`
	Only *bool  `json:"only,omitempty"` // of a rule: told only then, or only otherwise
}

func policyViewOf(p *kae.Policy) policyView {
	v := policyView{Zone: p.Location().String(), Rules: []ruleView{}, Except: pickViewOf(p.Except)}
	if !p.Quiet.None() {
		v.Quiet = &hoursView{From: clockText(p.Quiet.From), To: clockText(p.Quiet.To)}
	}
	for _, r := range p.Rules {
		one := ruleView{
			pickView: pickViewOf(r.Pick), Reasons: append([]kae.Reason{}, r.Reasons...), Channels: append([]int64{}, r.Channels...),
			After: int64(r.After / time.Second), Every: int64(r.Every / time.Second), Ends: r.Ends,
		}
		if !r.Hours.None() {
			one.Hours = &hoursView{clockText(r.Hours.From), clockText(r.Hours.To), &r.Only}
		}
		v.Rules = append(v.Rules, one)
	}
	return v
}

func pickViewOf(p kae.Pick) pickView {
	return pickView{append([]string{}, p.Tags...), append([]int64{}, p.Tokens...)}
}

// clockText writes minutes after midnight.
func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// policy answers programs; people see it on the page of channels.
func (s *Server) policy(w http.ResponseWriter, r *http.Request) error {
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, policyViewOf(s.Alerts.Policy()))
	}
	seeOther(w, "/channels#policy", "The policy is on the page of channels.\n")
	return nil
}

// changePolicy takes the policy's form. Its buttons to add a sentence and to
// drop one change what is on the page, and nothing else.
func (s *Server) changePolicy(w http.ResponseWriter, r *http.Request) error {
	sent, err := readForm(w, r)
	if err != nil {
		return err
	}
	form := s.readPolicy(sent, s.Alerts.Policy())
	if form.redrawn && !wantsJSON(r) {
		return s.policyPage(w, r, http.StatusOK, form)
	}
	err = errors.Join(form.errs...)
	if err == nil {
		err = s.Alerts.ChangePolicy(r.Context(), func(p kae.Policy) (kae.Policy, error) {
			if mark := markOf(&p); mark != form.Was {
				form.Was = mark
				return p, &kae.Error{Code: conflict, Message: "Somebody changed the policy meanwhile. What you wrote is below; save it again, and it takes the place of theirs."}
			}
			p.Zone, p.Rules, p.Quiet, p.Except = form.now.Zone, form.now.Rules, form.now.Quiet, form.now.Except
			return p, nil
		})
	}
	if code := kae.ErrorCode(err); err != nil {
		if wantsJSON(r) || code != kae.Invalid && code != kae.Unavailable && code != conflict {
			return err
		}
		form.blame(err)
		status, _ := reject(w, err)
		return s.policyPage(w, r, status, form)
	}
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, policyViewOf(s.Alerts.Policy()))
	}
	told := note{Text: "The policy is saved, and holds at once."}
	seeOther(w, "/channels?done="+s.notes.put(told, s.stamp())+"#policy", told.Text+"\n")
	return nil
}

// policyPage is the page of channels with the policy as it was typed.
func (s *Server) policyPage(w http.ResponseWriter, r *http.Request, status int, form policyForm) error {
	page := s.channelsPage(r, s.clock())
	page.Policy = form
	return s.html(w, r, status, "channels.html", page)
}
