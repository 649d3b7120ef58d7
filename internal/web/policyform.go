package web

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kae"
)

// policyForm is the policy as it was typed, and what is wrong with it.
type policyForm struct {
	Rules    []ruleForm
	Was      string // a mark of the policy that was read
	Zone     string
	Quiet    string // "yes" or "no"
	From, To string // of the quiet hours
	Except   pickForm
	Zones    says
	Quiets   says
	Excepts  says
	Problem  string // what is wrong with no field in particular
	Unsaved  bool

	now     kae.Policy
	errs    []error
	redrawn bool // a sentence was added or dropped
}

// ruleForm is one sentence.
type ruleForm struct {
	N        int // its fields begin with rules.N.
	Pick     pickForm
	Reasons  []optionView
	Channels []optionView
	After    []optionView
	Every    []optionView
	Hours    string // "any", "only" or "not"
	From, To string
	Ends     bool

	Wrong map[string]says // by field
	Focus bool            // it was added just now
}

// optionView is one of several things to choose.
type optionView struct {
	Value, Text string
	On          bool
}

// Name gives the name of one of the sentence's fields.
func (r ruleForm) Name(field string) string { return fmt.Sprintf("rules.%d.%s", r.N, field) }

// choice is a menu in a sentence.
type choice struct {
	Name, Label string
	Options     []optionView
	Says        says
}

// Choice gives the menu of a field.
func (r ruleForm) Choice(field, label string, options []optionView) choice {
	return choice{r.Name(field), label, options, r.Wrong[field]}
}

// Number tells the sentence to those who do not see where it stands.
func (r ruleForm) Number() int { return r.N + 1 }

// ruleFields are the fields with which something can be wrong.
var ruleFields = []string{"which", "tags", "tokens", "pick", "reasons", "channels", "after", "every", "hours"}

// What most people want; whatever else is saved is offered beside it.
var (
	afters = []time.Duration{0, time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour}
	everys = []time.Duration{0, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
)

// firings are the reasons that a sentence can be about.
var firings = []struct{ value, text string }{
	{"", "fires"}, {"missed", "is missed"}, {"failed", "fails"}, {"overran", "overruns"},
	{"missed failed", "is missed or fails"}, {"missed overran", "is missed or overruns"}, {"failed overran", "fails or overruns"},
}

func reasonOptions(reasons []kae.Reason) []optionView {
	has := func(why kae.Reason) bool { return slices.Contains(reasons, why) }
	value := ""
	for _, why := range []kae.Reason{kae.Missed, kae.Failed, kae.Overran} {
		if has(why) {
			value = strings.TrimSpace(value + " " + string(why))
		}
	}
	var all []optionView
	for _, f := range firings {
		all = append(all, optionView{f.value, f.text, f.value == value || f.value == "" && len(strings.Fields(value)) == 3})
	}
	return all
}

// lengthOptions offers lengths of time, among them the one that was chosen; a
// value that is no length of time stays as it was typed.
func lengthOptions(usual []time.Duration, typed string, chosen time.Duration, bad bool, say func(time.Duration) string) []optionView {
	var all []optionView
	if !bad && !slices.Contains(usual, chosen) {
		usual = append(slices.Clone(usual), chosen)
		slices.Sort(usual)
	}
	for _, d := range usual {
		all = append(all, optionView{cmp.Or(kae.FormatDuration(d), "0"), say(d), !bad && d == chosen})
	}
	if bad {
		all = append(all, optionView{typed, typed, true})
	}
	return all
}

func sayAfter(d time.Duration) string {
	if d == 0 {
		return "at once"
	}
	return "if it still fires after " + length(d)
}

func sayEvery(d time.Duration) string {
	if d == 0 {
		return "only once"
	}
	return "and again every " + length(d)
}

// policyFormOf gives a policy as it would be typed.
func (s *Server) policyFormOf(p *kae.Policy) policyForm {
	f := policyForm{Was: markOf(p), Zone: p.Location().String(), Quiet: "no", From: "22:00", To: "07:00", Except: s.pickFormOf(p.Except)}
	if !p.Quiet.None() {
		f.Quiet, f.From, f.To = "yes", clockText(p.Quiet.From), clockText(p.Quiet.To)
	}
	for i, r := range p.Rules {
		f.Rules = append(f.Rules, s.ruleFormOf(i, r))
	}
	f.blame(nil)
	return f
}

func (s *Server) ruleFormOf(n int, r kae.Rule) ruleForm {
	f := ruleForm{
		N: n, Pick: s.pickFormOf(r.Pick), Reasons: reasonOptions(r.Reasons), Channels: s.channelOptions(r.Channels),
		After: lengthOptions(afters, "", r.After, false, sayAfter), Every: lengthOptions(everys, "", r.Every, false, sayEvery),
		Hours: "any", From: "22:00", To: "07:00", Ends: r.Ends,
	}
	if !r.Hours.None() {
		f.Hours, f.From, f.To = "not", clockText(r.Hours.From), clockText(r.Hours.To)
		if r.Only {
			f.Hours = "only"
		}
	}
	return f
}

func (s *Server) channelOptions(chosen []int64) []optionView {
	var all []optionView
	for _, ch := range s.Alerts.Channels() {
		all = append(all, optionView{strconv.FormatInt(ch.ID, 10), ch.Name, slices.Contains(chosen, ch.ID)})
	}
	return all
}

// readPolicy reads the form. Sentences are in the order of their numbers, which
// need not be without gaps.
func (s *Server) readPolicy(sent url.Values, old *kae.Policy) policyForm {
	f := s.policyFormOf(&kae.Policy{Zone: old.Zone})
	f.Rules, f.Was = nil, cmp.Or(sent.Get("was"), markOf(old))
	f.now = kae.Policy{Zone: old.Zone}
	wrong := func(err error) {
		if err != nil {
			f.errs = append(f.errs, err)
		}
	}
	if sent.Has("zone") {
		f.Zone = strings.TrimSpace(sent.Get("zone"))
		zone, err := kae.LoadZone(f.Zone)
		if err == nil {
			f.now.Zone = zone
		}
		wrong(err)
	}
	numbers := map[int]bool{}
	for name := range sent {
		rest, ok := strings.CutPrefix(name, "rules.")
		number, _, dot := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); ok && dot && err == nil && n >= 0 && n < 1_000_000 {
			numbers[n] = true
		}
	}
	dropped := -1
	if n, err := strconv.Atoi(sent.Get("drop")); err == nil {
		dropped, f.redrawn = n, true
	}
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		if n == dropped || len(f.Rules) > kae.MaxRules { // which is refused
			continue
		}
		form, rule, errs := s.readRule(sent, n, len(f.Rules), old)
		f.Rules, f.now.Rules = append(f.Rules, form), append(f.now.Rules, rule)
		f.errs = append(f.errs, errs...)
	}
	if sent.Has("add") {
		f.redrawn = true
		added := s.ruleFormOf(len(f.Rules), kae.Rule{Ends: true})
		added.Focus = true
		f.Rules = append(f.Rules, added)
	}
	if sent.Has("quiet.from") || sent.Has("quiet.to") {
		f.From, f.To = strings.TrimSpace(sent.Get("quiet.from")), strings.TrimSpace(sent.Get("quiet.to"))
	}
	var except kae.Pick
	var exceptErr error
	except, f.Except, exceptErr = s.pickOf(sent, "except.", old.Except.Tokens)
	if f.Quiet = sent.Get("quiet"); f.Quiet == "yes" {
		var err error
		f.now.Quiet, err = readHours(sent.Get("quiet.from"), sent.Get("quiet.to"), "quiet")
		f.now.Except = except
		wrong(err)
		wrong(exceptErr)
	}
	if len(sent) == 0 { // rather a mistake than the wish that nobody hears of anything
		wrong(&kae.Error{Code: kae.Invalid, Field: "rules", Message: "Send the whole policy: zone, quiet, and the fields of each rule."})
	}
	if len(f.errs) > 0 { // all that is wrong is told at once
		for _, e := range f.now.Validate() {
			wrong(e)
		}
	}
	f.Unsaved = f.redrawn
	f.blame(nil)
	return f
}

// readRule reads one sentence, whose errors are those of its place in the form.
func (s *Server) readRule(sent url.Values, n, place int, old *kae.Policy) (ruleForm, kae.Rule, []error) {
	var r kae.Rule
	var errs []error
	name := func(field string) string { return fmt.Sprintf("rules.%d.%s", n, field) }
	wrong := func(field, message string) {
		errs = append(errs, &kae.Error{Code: kae.Invalid, Field: fmt.Sprintf("rules.%d.%s", place, field), Message: message})
	}
	var kept []int64
	for _, o := range old.Rules {
		kept = append(kept, o.Pick.Tokens...)
	}
	pick, typed, err := s.pickOf(sent, name(""), kept)
	for _, e := range faults(err) {
		wrong(strings.TrimPrefix(e.Field, name("")), e.Message)
	}
	r.Pick = pick
	for _, text := range sent[name("reasons")] {
		for _, why := range strings.Fields(text) {
			r.Reasons = append(r.Reasons, kae.Reason(why))
		}
	}
	if len(r.Reasons) == 3 {
		r.Reasons = nil // whatever it is
	}
	for _, text := range sent[name("channels")] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			wrong("channels", "Channels are told by their numbers, each in a field of its own.")
			continue
		}
		r.Channels = append(r.Channels, id)
	}
	slices.Sort(r.Channels)
	r.Channels = slices.Compact(r.Channels)
	var badAfter, badEvery bool
	if r.After, err = readLength(sent.Get(name("after"))); err != nil {
		badAfter = true
		wrong("after", "Write a length of time such as 90s, 15m or 4h; 0 for at once.")
	}
	if r.Every, err = readLength(sent.Get(name("every"))); err != nil {
		badEvery = true
		wrong("every", "Write a length of time such as 15m, 4h or 1d; 0 for once.")
	}
	r.Ends = true
	if values := sent[name("ends")]; len(values) > 0 {
		r.Ends = values[len(values)-1] == "yes"
	}
	form := s.ruleFormOf(place, r)
	form.Pick = typed
	form.After = lengthOptions(afters, sent.Get(name("after")), r.After, badAfter, sayAfter)
	form.Every = lengthOptions(everys, sent.Get(name("every")), r.Every, badEvery, sayEvery)
	form.Hours = cmp.Or(sent.Get(name("hours")), "any")
	if from, to := strings.TrimSpace(sent.Get(name("from"))), strings.TrimSpace(sent.Get(name("to"))); from+to != "" {
		form.From, form.To = from, to
	}
	switch form.Hours {
	case "any":
	case "only", "not":
		hours, err := readHours(form.From, form.To, "hours")
		for _, e := range faults(err) {
			wrong("hours", e.Message)
		}
		r.Hours, r.Only = hours, form.Hours == "only"
	default:
		wrong("hours", "When it holds (hours) is any, only or not.")
	}
	return form, r, errs
}

// readLength reads a length of time; nothing is 0.
func readLength(text string) (time.Duration, error) {
	if text = strings.TrimSpace(text); text == "" || text == "0" {
		return 0, nil
	}
	return kae.ParseDuration(text)
}

// readHours reads two times of the clock.
func readHours(from, to, field string) (kae.Hours, error) {
	a, errA := time.Parse("15:04", strings.TrimSpace(from))
	b, errB := time.Parse("15:04", strings.TrimSpace(to))
	message := ""
	switch {
	case errA != nil || errB != nil:
		message = "Write two times of the clock, such as 22:00 and 07:00."
	case a.Equal(b):
		message = "These hours begin and end at the same time: there are none."
	default:
		return kae.Hours{From: a.Hour()*60 + a.Minute(), To: b.Hour()*60 + b.Minute()}, nil
	}
	return kae.Hours{}, &kae.Error{Code: kae.Invalid, Field: field, Message: message}
}

// markOf marks a policy, so that whoever saves another one is told if it is not
// the one any more that they read.
func markOf(p *kae.Policy) string {
	b, err := json.Marshal(policyViewOf(p))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%.8x", sha256.Sum256(b))
}

// blame puts what is wrong beside the fields that caused it.
func (f *policyForm) blame(err error) {
	wrong := map[string]string{}
	for _, e := range faults(err) {
		if wrong[e.Field] == "" { // the first says most
			wrong[e.Field] = e.Message
		}
	}
	take := func(field string) says {
		text := wrong[field]
		delete(wrong, field)
		return says{Field: field, Text: text, Bad: text != ""}
	}
	for i := range f.Rules {
		r := &f.Rules[i]
		r.Wrong = map[string]says{}
		for _, field := range ruleFields {
			r.Wrong[field] = take(r.Name(field))
		}
	}
	f.Zones, f.Quiets = take("zone"), take("quiet")
	f.Excepts = take("except.tags")
	for _, field := range []string{"except.tokens", "except.which", "except"} {
		if other := take(field); other.Bad {
			f.Excepts.Text, f.Excepts.Bad = other.Text, true
		}
	}
	f.Problem = ""
	for _, field := range slices.Sorted(maps.Keys(wrong)) {
		f.Problem = strings.TrimSpace(f.Problem + " " + wrong[field])
	}
	f.Unsaved = f.Unsaved || err != nil
}
