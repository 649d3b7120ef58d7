package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// firing is a kae in which one token fires since an hour.
func firing(t testing.TB) (*world, *board) {
	w := newWorld()
	token := w.make(t, "Nightly backup", "1h", "")
	w.beat(token, kae.Success, 2*time.Hour, "", "")
	w.do(token, 0, func(t kae.Token, now time.Time) kae.Change { return t.Expire(now) })
	return w, w.alerts()
}

const fired = "2026-11-22T11:00:00.000000Z"

func (w *world) one() kae.Token {
	t, _ := w.roster.Get(1)
	return t
}

// Mail scanners follow links.
func TestFollowingTheLinkOfAMessageChangesNothing(t *testing.T) {
	w, b := firing(t)
	s, before := w.server(), w.one()
	for _, method := range []string{"GET", "HEAD"} {
		got := request{method: method, path: "/tokens/1/acknowledge?by=Ana&until=1h"}.do(s)
		if got.Code != 200 {
			t.Errorf("%s: status %d", method, got.Code)
		}
	}
	page := get(s, "/tokens/1/acknowledge?by=Ana").Body.String()
	for _, want := range []string{"Nothing since", "It fires since <b>", `name="fired" value="` + fired + `"`, `name="by" value=""`, `autocomplete="name"`, `value="1h">1 hour`, `value="2026-11-23 09:00">Until tomorrow 09:00`, "by the clock of UTC"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	if d := cmp.Diff(fmt.Sprint(before), fmt.Sprint(w.one())); d != "" || b.woken > 0 {
		t.Errorf("woken %d times:\n%s", b.woken, d)
	}
	if got := getJSON(s, "/tokens/1/acknowledge"); got.Code != 200 || !strings.Contains(got.Body.String(), `"acknowledged":null,"snoozed_until":null`) {
		t.Errorf("in JSON: %d %s", got.Code, got.Body)
	}
}

func TestSomebodyLooksAfterAFiring(t *testing.T) {
	w, b := firing(t)
	s := w.server()
	got := post(s, "/tokens/1/acknowledge", "by", "  Ana\tB. ", "why", "on\r\nit", "fired", fired)
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/tokens/1" {
		t.Fatalf("status %d, to %q: %s", got.Code, got.Header().Get("Location"), got.Body)
	}
	if d := cmp.Diff(&kae.Ack{At: noon, By: "Ana B.", Why: "on it"}, w.one().Ack); d != "" || b.woken != 1 {
		t.Errorf("woken %d times:\n%s", b.woken, d)
	}
	page := get(s, "/tokens/1").Body.String()
	for _, want := range []string{"<b>Ana B. looks after it</b> since <time", ": on it.", `class="flip ack"`, "acknowledged</td>", ">Ana B.: on it</td>", "Take it back"} {
		if !strings.Contains(page, want) {
			t.Errorf("the token's page has no %s", want)
		}
	}
	if strings.Contains(page, `class="btn pri" href="/tokens/1/acknowledge"`) {
		t.Error("it is to be acknowledged still")
	}
	page = get(s, "/tokens/1/acknowledge").Body.String()
	if !strings.Contains(page, "Ana B. looks after it") || !strings.Contains(page, `action="/tokens/1/takeback"`) || strings.Contains(page, `action="/tokens/1/acknowledge"`) {
		t.Errorf("the page of the link: %s", page)
	}

	took := postJSON(s, "/tokens/1/takeback", url.Values{"fired": {fired}})
	view := decode[struct{ Acknowledged *ackView }](t, took, 200)
	if view.Acknowledged != nil || w.one().Ack != nil || b.woken != 2 {
		t.Errorf("taken back: %s, woken %d times", took.Body, b.woken)
	}
	if page := get(s, "/tokens/1").Body.String(); !strings.Contains(page, "taken back</td>") || !strings.Contains(page, "Ana B. looks after it no more.") || !strings.Contains(page, `class="btn pri" href="/tokens/1/acknowledge"`) {
		t.Errorf("the token's page: %s", page)
	}

	again := postJSON(s, "/tokens/1/acknowledge", url.Values{"by": {"Ben"}})
	if got := again.Body.String(); again.Code != 200 || !strings.Contains(got, `"acknowledged":{"at":"2026-11-22T12:00:00.000000Z","by":"Ben","why":""}`) {
		t.Errorf("in JSON: %d %s", again.Code, got)
	}
	if got := getJSON(s, "/tokens/1").Body.String(); !strings.Contains(got, `"from":"firing","to":"firing","reason":"taken back","note":"Ana B."}`) {
		t.Errorf("its flips: %s", got)
	}
}

// An old page is about an old firing.
func TestANewerFiringIsNotAcknowledged(t *testing.T) {
	w, b := firing(t)
	s := w.server()
	w.beat(w.one(), kae.Success, 30*time.Minute, "", "")
	calm := post(s, "/tokens/1/acknowledge", "by", "Ana", "fired", fired)
	if page := calm.Body.String(); calm.Code != 409 || !strings.Contains(page, "It does not fire now, so there is nothing to acknowledge.") || strings.Contains(page, `name="by"`) || !strings.Contains(page, `name="until"`) {
		t.Errorf("of one that is up: %d %s", calm.Code, page)
	}
	w.beat(w.one(), kae.Failure, 10*time.Minute, "", "")
	got := post(s, "/tokens/1/acknowledge", "by", "Ana", "why", "on <it>", "fired", fired)
	page := got.Body.String()
	if got.Code != 409 || !strings.Contains(page, "another one has begun since") || !strings.Contains(page, `value="Ana"`) || !strings.Contains(page, `value="on &lt;it&gt;"`) || !strings.Contains(page, `name="fired" value="2026-11-22T11:50:00.000000Z"`) {
		t.Errorf("%d %s", got.Code, page)
	}
	if p := decode[problem](t, postJSON(s, "/tokens/1/acknowledge", url.Values{"by": {"Ana"}, "fired": {fired}}), 409); !strings.HasPrefix(p.Error, "That firing is over") {
		t.Errorf("in JSON: %+v", p)
	}
	if w.one().Ack != nil || b.woken > 0 {
		t.Error("it was acknowledged")
	}
	post(s, "/tokens/1/acknowledge", "by", "Ben", "fired", "2026-11-22T12:50:00+01:00")
	if ack := w.one().Ack; ack == nil || ack.By != "Ben" {
		t.Error("what was looked at was not acknowledged")
	}
	if got := post(s, "/tokens/1/takeback", "fired", fired); got.Code != 409 || w.one().Ack == nil {
		t.Errorf("an old page takes it back: %d", got.Code)
	}
}

func TestATokenIsSnoozed(t *testing.T) {
	for typed, want := range map[string]string{
		"2h": "2026-11-22T14:00:00Z", " 1d 30m ": "2026-11-23T12:30:00Z", "90": "2026-11-22T12:01:30Z", "31d": "2026-12-23T12:00:00Z",
		"2026-11-28 09:00": "2026-11-28T08:00:00Z", "2026-11-28T09:00": "2026-11-28T08:00:00Z", "2026-11-28 09:00:30": "2026-11-28T08:00:30Z",
		"2026-11-28T09:00:00.1234567+02:00": "2026-11-28T07:00:00.123456Z", "2026-11-28T09:00:00Z": "2026-11-28T09:00:00Z",
		"": "", " 0 ": "", "0s": "",
	} {
		w := newWorld()
		b := w.alerts()
		s := w.server()
		post(s, "/newtoken", "name", "a", "interval", "0 3 * * *", "zone", "Europe/Madrid")
		w.do(w.one(), 0, func(t kae.Token, now time.Time) kae.Change { return t.Snooze(now.Add(time.Minute)) })
		got := postJSON(s, "/tokens/1/snooze", url.Values{"until": {typed}})
		view := decode[struct {
			Until string `json:"snoozed_until"`
		}](t, got, 200)
		until, _ := time.Parse(time.RFC3339, want)
		if view.Until != "" && view.Until != iso(until) || (view.Until == "") != (want == "") || !w.one().SnoozedUntil.Equal(until) || b.woken != 1 {
			t.Errorf("%q: until %q, %v", typed, view.Until, w.one().SnoozedUntil)
		}
	}
	for typed, says := range map[string]string{
		"soon": "Write a length of time such as", "1.5h": "Write a length", "-1h": "Write a length", "28.11.2026": "Write a length", "2026-11-31 09:00": "Write a length",
		"2026-11-22 12:00": "That time is over: by the clock of UTC it is 2026-11-22 12:00.", "2025-11-28T09:00:00Z": "That time is over",
		"31d1s": "A token can be snoozed for 31 days at most.", "2026-12-24 12:00": "31 days at most", "9999w": "31 days at most",
	} {
		w, b := firing(t)
		s := w.server()
		if p := decode[problem](t, postJSON(s, "/tokens/1/snooze", url.Values{"until": {typed}}), 422); p.Field != "until" || !strings.Contains(p.Error, says) {
			t.Errorf("%q: %+v", typed, p)
		}
		got := post(s, "/tokens/1/snooze", "until", typed)
		field := regexp.MustCompile(`(?s)id="until".*?</div>`).FindString(got.Body.String())
		if got.Code != 422 || !strings.Contains(field, `value="`+typed+`"`) || !strings.Contains(field, `aria-invalid="true"`) || !strings.Contains(field, "autofocus") || !strings.Contains(field, says) {
			t.Errorf("%q: status %d: %s", typed, got.Code, field)
		}
		if !w.one().SnoozedUntil.IsZero() || b.woken > 0 {
			t.Errorf("%q: it is snoozed", typed)
		}
	}
}

func TestWhatASnoozeSays(t *testing.T) {
	w, _ := firing(t)
	s := w.server()
	post(s, "/tokens/1/snooze", "until", "2h")
	if page := get(s, "/tokens/1").Body.String(); !strings.Contains(page, "<b>Snoozed until </b><b><time") || !strings.Contains(page, ": channels hear nothing of it.") {
		t.Error("the token's page does not say so")
	}
	if page := get(s, "/tokens/1/acknowledge").Body.String(); !strings.Contains(page, "End the snooze") || !strings.Contains(page, "today at 14:00:00") {
		t.Error("the page of the link does not say so")
	}
	w.sleep(2 * time.Hour)
	for _, path := range []string{"/tokens/1", "/tokens/1/acknowledge", "/"} {
		if page := get(s, path).Body.String(); strings.Contains(strings.ToLower(page), "snoozed until") || strings.Contains(page, "End the snooze") {
			t.Errorf("%s says so after its end", path)
		}
	}
	if got := getJSON(s, "/tokens/1").Body.String(); !strings.Contains(got, `"snoozed_until":null`) {
		t.Errorf("in JSON: %s", got)
	}
}

// The morning is one that is worth waiting for.
func TestNapsUntilTheMorning(t *testing.T) {
	madrid, err := kae.LoadZone("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"2026-11-22T12:00:00Z": "2026-11-23 09:00 Until tomorrow 09:00",
		"2026-11-22T23:30:00Z": "2026-11-23 09:00 Until 09:00",
		"2026-11-23T03:59:00Z": "2026-11-23 09:00 Until 09:00",
		"2026-11-23T04:00:00Z": "2026-11-24 09:00 Until tomorrow 09:00",
		"2026-10-24T12:00:00Z": "2026-10-25 09:00 Until tomorrow 09:00", // clocks are set back in between
		"2026-12-31T12:00:00Z": "2027-01-01 09:00 Until tomorrow 09:00",
	} {
		now, _ := time.Parse(time.RFC3339, at)
		if nap := naps(now, madrid)[2]; nap.Until+" "+nap.Label != want {
			t.Errorf("at %s: %+v", at, nap)
		}
		for _, nap := range naps(now, madrid) {
			if until, err := snoozeEnd(nap.Until, madrid, now); err != nil || !until.After(now) {
				t.Errorf("at %s: %+v: %v, %v", at, nap, until, err)
			}
		}
	}
}

// Each error stands beside its field, and what was typed stays.
func TestAnAcknowledgementThatIsWrong(t *testing.T) {
	w, b := firing(t)
	s := w.server()
	got := post(s, "/tokens/1/acknowledge", "by", " ", "why", strings.Repeat("x", 301))
	page := got.Body.String()
	if got.Code != 422 || !strings.Contains(page, `id="by-says"><span class="st"><svg class="i" aria-hidden="true"><use href="#i-late"/></svg></span>Say who looks after it: a name will do.`) ||
		!strings.Contains(page, "The reason has 301 characters; at most 300 are possible.") || !strings.Contains(page, strings.Repeat("x", 301)) || strings.Count(page, "autofocus") != 1 {
		t.Errorf("%d %s", got.Code, page)
	}
	for form, field := range map[string]string{"": "by", "by=Ana&why=" + strings.Repeat("x", 301): "why", "by=Ana&fired=yesterday": "fired", "by=A%00na": "by"} {
		values, _ := url.ParseQuery(form)
		if p := decode[problem](t, postJSON(s, "/tokens/1/acknowledge", values), 422); p.Field != field {
			t.Errorf("%.20q: %+v", form, p)
		}
	}
	w.failing(errDatabase)
	if got := post(s, "/tokens/1/acknowledge", "by", "Ana"); got.Code != 503 || !strings.Contains(got.Body.String(), `value="Ana"`) || !strings.Contains(got.Body.String(), `role="alert"`) {
		t.Errorf("while the database fails: %d %s", got.Code, got.Body)
	}
	w.failing(nil)
	for path, status := range map[string]int{"/tokens/2/acknowledge": 404, "/tokens/x/snooze": 404, "/tokens/2/takeback": 404} {
		if got := post(s, path, "by", "Ana"); got.Code != status {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	for _, path := range []string{"acknowledge", "snooze", "takeback"} {
		foreign := request{method: "POST", path: "/tokens/1/" + path, form: url.Values{"by": {"Ana"}, "until": {"1h"}}, header: http.Header{"Sec-Fetch-Site": {"cross-site"}}}.do(s)
		if foreign.Code != 403 {
			t.Errorf("%s from another site: %d", path, foreign.Code)
		}
	}
	w.do(w.one(), 0, kae.Token.Remove)
	for _, path := range []string{"acknowledge", "snooze", "takeback"} {
		got := post(s, "/tokens/1/"+path, "by", "Ana", "until", "1h")
		if page := got.Body.String(); got.Code != 409 || !strings.Contains(page, "This token was removed. Bring it back first.") || !strings.Contains(page, `action="/tokens/1/undo"`) || strings.Contains(page, `name="until"`) {
			t.Errorf("%s of a removed token: %d %s", path, got.Code, page)
		}
		if p := decode[problem](t, postJSON(s, "/tokens/1/"+path, url.Values{"by": {"Ana"}, "until": {"1h"}}), 409); p.Error != errRemoved.Message {
			t.Errorf("%s of a removed token in JSON: %+v", path, p)
		}
	}
	if t1 := w.one(); t1.Ack != nil || !t1.SnoozedUntil.IsZero() || b.woken > 0 {
		t.Errorf("something was done: %+v", t1)
	}
}

// A word about a firing ends no firing and begins none.
func TestTheLogTellsWhoSaidWhat(t *testing.T) {
	w, _ := firing(t)
	token := w.one()
	say := func(ago time.Duration, f func(kae.Token, time.Time) kae.Change) { w.do(token, ago, f) }
	ack := func(by, why string) func(kae.Token, time.Time) kae.Change {
		return func(t kae.Token, now time.Time) kae.Change { return t.Acknowledge(by, why, now) }
	}
	say(50*time.Minute, ack("Ana", "on <it>"))
	say(40*time.Minute, kae.Token.TakeBack)
	say(35*time.Minute, ack("Ben", "Ana took it back"))
	w.beat(token, kae.Success, 30*time.Minute, "", "")
	w.mu.Lock()
	w.flips[1][0].Note = "maintenance: Database upgrade"
	w.mu.Unlock()
	s := w.server()
	page := get(s, "/tokens/1").Body.String()
	var told []string
	for _, m := range regexp.MustCompile(`<tr class="flip ([^"]*)".*?</svg>([^<]*)</td><td class="m" role="cell" colspan="3">(.*?)</td>`).FindAllStringSubmatch(page, -1) {
		told = append(told, strings.Join(m[1:], " | "))
	}
	want := []string{
		`up | up again | Recovered after 30 m. <span class="muted">Maintenance: Database upgrade</span>`,
		"ack | acknowledged | Ben: Ana took it back",
		"ack | taken back | Ana looks after it no more.",
		"ack | acknowledged | Ana: on &lt;it&gt;",
		"fire | fired | Missed: no heartbeat came by the deadline.",
		"up | up | The first heartbeat came.",
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	history := decode[struct {
		History []struct{ Firings, Down float64 }
	}](t, getJSON(s, "/tokens/1"), 200).History[0]
	if history.Firings != 1 || history.Down != 1800 {
		t.Errorf("its history: %+v", history)
	}
}

// A firing that somebody looked after is taken back all the same, on whichever
// page of the log it stands.
func TestAFiringThatWasAcknowledgedIsTakenBack(t *testing.T) {
	w, _ := firing(t)
	for range 3 {
		w.do(w.one(), 50*time.Minute, func(t kae.Token, now time.Time) kae.Change { return t.Acknowledge("Ana", "", now) })
	}
	w.tell(w.one(), kae.Heartbeat{At: noon.Add(-61 * time.Minute), Received: noon.Add(-30 * time.Minute), Kind: kae.Success})
	if w.flips[1][0].Reason != kae.ArrivedLate {
		t.Fatalf("the newest flip: %+v", w.flips[1][0])
	}
	s := w.server()
	for _, path := range []string{"/tokens/1", "/tokens/1?before=2&flips=3"} {
		if page := get(s, path).Body.String(); strings.Count(page, "Taken back: the job was on time.") != 1 || !strings.Contains(page, `class="flip fire back"`) {
			t.Errorf("%s does not say so: %s", path, page)
		}
	}
}

func TestTheListShowsWhoLooksAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := liveWorld()
		token := w.make(t, "Nightly backup", "1h", "", "db")
		w.beat(token, kae.Failure, 0, "", "")
		s := w.server()
		var list, mine, page wire
		end, _ := listen(s, "/events?ids=1&t=24h", &list)
		defer end()
		end2, _ := listen(s, "/events?ids=&more=1&q=is:acknowledged", &mine)
		defer end2()
		end3, _ := listen(s, "/events?token=1", &page)
		defer end3()
		v := regexp.MustCompile(`data-v="([^"]*)"`)
		news := func() (row, version string) {
			time.Sleep(minPause)
			synctest.Wait()
			row = find(list.take(), "row", "")
			if row != "" {
				version = v.FindStringSubmatch(row)[1]
			}
			return row, version
		}
		if _, got := news(); got != "1.1.1" {
			t.Errorf("it begins with %s", got)
		}
		page.take()
		post(s, "/tokens/1/acknowledge", "by", "Ana <x>", "why", "on it")
		if row, got := news(); got != "1.2.1" || !strings.Contains(row, `title="Acknowledged by Ana &lt;x&gt;: on it"`) || !strings.Contains(row, `<span class="vh">acknowledged by </span>Ana &lt;x&gt;</span>`) {
			t.Errorf("acknowledged: %s %s", got, row)
		}
		if row := find(mine.take(), "row", `id="t1"`); row == "" {
			t.Error("it does not come to those that are acknowledged")
		}
		if head := find(page.take(), "block", `id="head"`); !strings.Contains(head, "looks after it") {
			t.Errorf("the token's page: %q", head)
		}
		until := time.Now().Add(time.Hour + 30*time.Second)
		post(s, "/tokens/1/snooze", "until", "1h30s")
		if row, got := news(); got != fmt.Sprintf("1.2.1.%d", until.Unix()) || !strings.Contains(row, `<span class="vh">snoozed until </span><time datetime="`+iso(until)+`" data-f="minute"`) {
			t.Errorf("snoozed: %s %s", got, row)
		}
		if head := find(page.take(), "block", `id="head"`); !strings.Contains(head, "Snoozed until") {
			t.Errorf("the token's page: %q", head)
		}
		// It ends by itself, without a change.
		time.Sleep(time.Until(until) - time.Second)
		if row, _ := news(); row != "" && !strings.Contains(row, "snoozed until") {
			t.Errorf("it ended before: %s", row)
		}
		page.take()
		time.Sleep(tickPause + time.Second)
		if row, got := news(); got != "1.2.1" || strings.Contains(row, "snoozed until") {
			t.Errorf("ended: %s %s", got, row)
		}
		if head := find(page.take(), "block", `id="head"`); head == "" || strings.Contains(head, "Snoozed until") {
			t.Errorf("the token's page: %q", head)
		}
		post(s, "/tokens/1/takeback")
		if row, got := news(); got != "1.3.1" || strings.Contains(row, "acknowledged by") {
			t.Errorf("taken back: %s %s", got, row)
		}
	})
}

func TestWhatPeopleSaidIsSearchedFor(t *testing.T) {
	w, _ := firing(t)
	w.make(t, "other", "1h", "")
	s := w.server()
	post(s, "/tokens/1/acknowledge", "by", "Ana")
	post(s, "/tokens/2/snooze", "until", "3d")
	for q, want := range map[string]string{"is:acknowledged": "1", "is:snoozed": "2", "is:acknowledged+is:snoozed": "", "other+is:snoozed": "2"} {
		if got := strings.Join(rows(get(s, "/?q="+q).Body.String()), " "); got != want {
			t.Errorf("%s finds %q", q, got)
		}
	}
	// What is over is not found any more.
	over := w.make(t, "third", "1h", "")
	open := func() livePage {
		p, err := s.pageOf(httptest.NewRequest("GET", "/events?ids=&more=1&q=is:snoozed", nil))
		if err != nil {
			t.Fatal(err)
		}
		p.all(t.Context(), &stream{said: map[string]uint64{}})
		return p
	}
	before := open()
	post(s, "/tokens/3/snooze", "until", "1m")
	live := func() string {
		st := &stream{said: map[string]uint64{}}
		open().all(t.Context(), st)
		return fmt.Sprint(rows(st.buf.String()), strings.Contains(st.buf.String(), "1 token matches"))
	}
	if got := live(); got != "[2 3] false" {
		t.Errorf("the live page of what is snoozed: %s", got)
	}
	w.sleep(time.Minute)
	if got := live(); got != "[2] true" {
		t.Errorf("after a minute: %s", got)
	}
	st := &stream{said: map[string]uint64{}}
	before.some(t.Context(), st, []kae.Change{{Token: over}})
	if got := rows(st.buf.String()); len(got) > 0 {
		t.Errorf("what was not seen in time comes: %v", got)
	}
	if got := rows(get(s, "/?q=is:snoozed").Body.String()); len(got) != 1 {
		t.Errorf("after a minute: %v", got)
	}
	if row := get(s, "/?q=is:snoozed").Body.String(); !strings.Contains(row, `data-f="day"`) || !strings.Contains(row, ">25 Nov</time>") {
		t.Error("days ahead the date is not told")
	}
	if got := bulk(s, "do=snooze&until=0&all=1&q=is:snoozed", true); !strings.HasPrefix(got.Body.String(), `{"changed":1,"unchanged":0,`) {
		t.Errorf("all that are snoozed: %s", got.Body)
	}
	if got := rows(get(s, "/?q=is:snoozed").Body.String()); len(got) > 0 {
		t.Errorf("still: %v", got)
	}
}
