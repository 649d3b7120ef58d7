package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kae"
)

// crowd is a kae with five tokens: the first is disabled, the last removed.
func crowd(t *testing.T) *world {
	w := newWorld()
	for i := range 5 {
		token := w.make(t, fmt.Sprint("job ", i+1), "1d", "1h", "db")
		w.beat(token, kae.Success, time.Minute, "", "")
		switch i {
		case 0:
			w.do(token, 0, kae.Token.Disable)
		case 4:
			w.do(token, 0, kae.Token.Remove)
		}
	}
	return w
}

// told gives all that a bulk action may change, a token a line.
func (w *world) told() (lines []string) {
	for id := int64(1); id <= w.lastID; id++ {
		t, ok := w.roster.Get(id)
		if !ok {
			continue
		}
		line := fmt.Sprintf("%d %s %v %v removed=%v", id, t.Status, t.Tags, t.Grace, t.Removed())
		if !t.SnoozedUntil.IsZero() {
			line += " snoozed until " + t.SnoozedUntil.Format("15:04")
		}
		if t.Ack != nil {
			line += " acknowledged by " + t.Ack.By
		}
		lines = append(lines, line)
	}
	return lines
}

func bulk(s *Server, form string, json bool) *httptest.ResponseRecorder {
	values, err := url.ParseQuery(form)
	if err != nil {
		panic(err)
	}
	q := request{method: "POST", path: "/tokens", form: values}
	if json {
		q.header = asJSON
	}
	return q.do(s)
}

func TestOneThingIsDoneToManyTokens(t *testing.T) {
	start := []string{"1 disabled [db] 1h0m0s removed=false", "2 up [db] 1h0m0s removed=false", "3 up [db] 1h0m0s removed=false",
		"4 up [db] 1h0m0s removed=false", "5 up [db] 1h0m0s removed=true"}
	if d := cmp.Diff(start, crowd(t).told()); d != "" {
		t.Fatal(d)
	}
	const ids = "&id=1&id=2&id=3&id=3&id=5&id=99"
	for _, c := range []struct {
		form    string
		outcome outcome
		says    string
		change  map[int]string
	}{
		{"do=disable" + ids, outcome{Changed: 2, Unchanged: 1, Gone: 2}, "2 tokens disabled; 1 was so already; 2 are removed.",
			map[int]string{2: "2 disabled [db] 1h0m0s removed=false", 3: "3 disabled [db] 1h0m0s removed=false"}},
		{"do=enable" + ids, outcome{Changed: 1, Unchanged: 2, Gone: 2}, "1 token enabled; 2 were so already; 2 are removed.",
			map[int]string{1: "1 up [db] 1h0m0s removed=false"}},
		{"do=remove&id=2&id=5", outcome{Changed: 1, Unchanged: 1}, "1 token removed; 1 was so already. What was removed can be brought back for a week.",
			map[int]string{2: "2 up [db] 1h0m0s removed=true"}},
		{"do=undo&id=2&id=5", outcome{Changed: 1, Unchanged: 1}, "1 token brought back; 1 was so already.",
			map[int]string{5: "5 up [db] 1h0m0s removed=false"}},
		{"do=tag&tags=DB,prod+eu&id=1&id=2", outcome{Changed: 2}, "2 tokens tagged DB, prod, eu.",
			map[int]string{1: "1 disabled [db prod eu] 1h0m0s removed=false", 2: "2 up [db prod eu] 1h0m0s removed=false"}},
		{"do=tag&tags=DB&id=1&id=5", outcome{Unchanged: 1, Gone: 1}, "No token tagged DB; 1 was so already; 1 is removed.", nil},
		{"do=untag&tags=Db&id=4", outcome{Changed: 1}, "1 token no longer tagged Db.", map[int]string{4: "4 up [] 1h0m0s removed=false"}},
		{"do=tag&id=4&tags=" + strings.Repeat("x", 50) + many(19), outcome{Refused: 1}, "No token tagged", nil},
		{"do=snooze&until=2h&id=2&id=3&id=5", outcome{Changed: 2, Gone: 1}, "2 tokens snoozed for 2 h; 1 is removed.",
			map[int]string{2: "2 up [db] 1h0m0s removed=false snoozed until 14:00", 3: "3 up [db] 1h0m0s removed=false snoozed until 14:00"}},
		{"do=snooze&until=2026-11-22+12:30&id=2", outcome{Changed: 1}, "1 token snoozed until 2026-11-22 12:30.", map[int]string{2: "2 up [db] 1h0m0s removed=false snoozed until 12:30"}},
		{"do=snooze&until=0&id=2&id=4", outcome{Unchanged: 2}, "No token no longer snoozed; 2 were so already.", nil},
		{"do=acknowledge&by=Ana&why=on+it&id=2&id=3", outcome{Refused: 2}, "No token acknowledged by Ana; 2 do not fire.", nil},
		{"do=grace&grace=2h&id=3&id=4", outcome{Changed: 2}, "2 tokens given 2 h of grace.",
			map[int]string{3: "3 up [db] 2h0m0s removed=false", 4: "4 up [db] 2h0m0s removed=false"}},
		{"do=grace&grace=0&id=3", outcome{Changed: 1}, "1 token left without grace.", map[int]string{3: "3 up [db] 0s removed=false"}},
		{"do=grace&grace=60m&id=3", outcome{Unchanged: 1}, "No token given 1 h of grace; 1 was so already.", nil},
		{"do=disable&all=1&q=is:up+job", outcome{Changed: 3}, "3 tokens disabled.",
			map[int]string{2: "2 disabled [db] 1h0m0s removed=false", 3: "3 disabled [db] 1h0m0s removed=false", 4: "4 disabled [db] 1h0m0s removed=false"}},
		{"do=enable&all=1", outcome{Changed: 1, Unchanged: 3}, "1 token enabled; 3 were so already.", map[int]string{1: "1 up [db] 1h0m0s removed=false"}},
		{"do=undo&all=1&q=is:removed", outcome{Changed: 1}, "1 token brought back.", map[int]string{5: "5 up [db] 1h0m0s removed=false"}},
		{"do=disable&all=1&q=tag:lost", outcome{}, "No token disabled.", nil},
	} {
		want := append([]string(nil), start...)
		for id, line := range c.change {
			want[id-1] = line
		}
		w := crowd(t)
		s := w.server()
		answer := bulk(s, c.form+"&sort=name&t=8d", false)
		to := answer.Header().Get("Location")
		if answer.Code != 303 || !strings.HasPrefix(to, "/?done=") || !strings.HasSuffix(to, "&sort=name&t=8d") || !strings.Contains(answer.Body.String(), c.says) {
			t.Errorf("%s: status %d to %q: %s", c.form, answer.Code, to, answer.Body)
		}
		if d := cmp.Diff(want, w.told()); d != "" {
			t.Errorf("%s:\n%s", c.form, d)
		}
		if list := get(s, to).Body.String(); !strings.Contains(list, c.says) || strings.Contains(list, `name="of"`) != strings.HasPrefix(c.form, "do=remove") {
			t.Errorf("%s: the list does not say %q", c.form, c.says)
		}
		var got outcome
		answer = bulk(crowd(t).server(), c.form, true)
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != 200 {
			t.Errorf("%s: status %d, %v", c.form, answer.Code, err)
		}
		if d := cmp.Diff(c.outcome, got, cmpopts.IgnoreUnexported(outcome{}), cmpopts.IgnoreFields(outcome{}, "Key")); d != "" {
			t.Errorf("%s:\n%s", c.form, d)
		}
	}
}

// many are so many tags in a form.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "+tag%d", i)
	}
	return b.String()
}

func TestRemovingManyIsUndone(t *testing.T) {
	w := crowd(t)
	s := w.server()
	before := w.told()
	for _, json := range []bool{false, true} {
		answer := bulk(s, "do=remove&id=2&id=3&id=4&id=5", json) // the last is removed, and stays so
		key := strings.TrimPrefix(answer.Header().Get("Location"), "/?done=")
		if json {
			_, key, _ = strings.Cut(answer.Body.String(), `"undo":"`)
			key, _, _ = strings.Cut(key, `"`)
		} else {
			key, _, _ = strings.Cut(key, "&")
		}
		// Another one, removed meanwhile by somebody else, stays so.
		post(s, "/tokens/1/remove")
		answer = bulk(s, "do=undo&of="+key, json)
		if json != (answer.Code == 200) || !json && !strings.Contains(answer.Body.String(), "3 tokens brought back.") {
			t.Fatalf("status %d: %s", answer.Code, answer.Body)
		}
		post(s, "/tokens/1/undo")
		if d := cmp.Diff(before, w.told()); d != "" {
			t.Error(d)
		}
		w.sleep(keepNotes + time.Second)
		answer = bulk(s, "do=undo&of="+key, json)
		if answer.Code != 404 || !strings.Contains(answer.Body.String(), "list of removed tokens") {
			t.Errorf("after an hour: status %d: %s", answer.Code, answer.Body)
		}
	}
}

// A form that lacks something, or has it wrong, comes back with the choice.
func TestBulkAsksForWhatIsMissing(t *testing.T) {
	for form, want := range map[string]struct {
		status int
		field  string
		says   string
	}{
		"do=tag&id=2&id=3&q=job&sort=last":                    {200, "tags", "Add tags: 2 tokens"},
		"do=untag&id=2&tags=+,+":                              {200, "tags", "Take off tags: 1 token"},
		"do=grace&all=1&q=is:up&t=8d":                         {200, "grace", "Set grace: 3 tokens"},
		"do=grace&id=2&grace=soon":                            {422, "grace", "Write the grace as"},
		"do=grace&id=2&grace=11y":                             {422, "grace", "Write the grace as"},
		"do=snooze&id=2&q=job":                                {200, "until", "Snooze: 1 token"},
		"do=snooze&id=2&until=soon":                           {422, "until", "Write a length of time such as"},
		"do=snooze&id=2&until=32d":                            {422, "until", "31 days at most"},
		"do=snooze&id=99&until=2026-01-01":                    {422, "until", "Write a length of time such as"},
		"do=acknowledge&id=2&id=3":                            {200, "by", "Acknowledge: 2 tokens"},
		"do=acknowledge&id=2&by=" + long("x", kae.MaxAckBy+1): {422, "by", "at most 100 are possible"},
		"do=acknowledge&id=2&by=A&why=" + long("x", 301):      {422, "why", "at most 300 are possible"},
		"do=tag&id=2&tags=" + many(21)[1:]:                    {422, "tags", "at most 20"},
		"do=tag&id=2&tags=" + long("x", 51):                   {422, "tags", "at most 50 characters"},
		"do=tag&id=2&tags=%22%3E%3Cb%3E%00x":                  {422, "tags", "at most 50 characters"},
	} {
		w := crowd(t)
		before := w.told()
		answer := bulk(w.server(), form, false)
		page := answer.Body.String()
		if answer.Code != want.status || !strings.Contains(page, want.says) || !strings.Contains(page, fmt.Sprintf(`name="%s" value=`, want.field)) {
			t.Errorf("%s: status %d: %s", form, answer.Code, page)
		}
		values, _ := url.ParseQuery(form)
		for name, all := range values {
			for _, value := range all {
				if name != want.field && name != "by" && !strings.Contains(page, fmt.Sprintf(`<input type="hidden" name="%s" value="%s">`, name, value)) {
					t.Errorf("%s: %s=%s is lost", form, name, value)
				}
			}
		}
		if d := cmp.Diff(before, w.told()); d != "" {
			t.Errorf("%s:\n%s", form, d)
		}
		var problem problem
		answer = bulk(w.server(), form, true)
		if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || answer.Code != 422 || problem.Field != want.field {
			t.Errorf("%s in JSON: status %d %+v %v", form, answer.Code, problem, err)
		}
	}
}

func long(s string, n int) string { return strings.Repeat(s, n) }

func TestBulkRefusesWhatItCannotRead(t *testing.T) {
	for form, field := range map[string]string{
		"do=disable": "id", "do=disable&id=": "id", "do=disable&id=x": "id", "do=delete&id=1": "do", "id=1": "do", "do=disable&all=1&q=is:lost": "q",
	} {
		w := crowd(t)
		before := w.told()
		var problem problem
		answer := bulk(w.server(), form, true)
		if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || answer.Code != 422 || problem.Field != field {
			t.Errorf("%s: status %d %+v %v", form, answer.Code, problem, err)
		}
		if answer = bulk(w.server(), form, false); answer.Code != 422 || !strings.Contains(answer.Body.String(), "<h1>") {
			t.Errorf("%s: status %d: %s", form, answer.Code, answer.Body)
		}
		if d := cmp.Diff(before, w.told()); d != "" {
			t.Errorf("%s:\n%s", form, d)
		}
	}
	if answer := bulk(crowd(t).server(), "do=disable&id=1&x="+long("x", maxBulkForm), true); answer.Code != 413 {
		t.Errorf("too much: status %d", answer.Code)
	}
}

// A store that fails in the middle: what was done is told, and the form stays.
func TestBulkTellsHowFarItCame(t *testing.T) {
	w := newWorld()
	const n, works = 3000, 1000
	for i := range n {
		w.make(t, fmt.Sprint("job ", i), "1d", "")
	}
	s := w.server()
	k := &failing{Keeper: w, after: works}
	s.Keeper = k
	answer := bulk(s, "do=disable&all=1&q=job", false)
	disabled := w.roster.Counts().Disabled
	page := answer.Body.String()
	says := fmt.Sprintf("%d tokens disabled. The other %d stay as they are", works, n-works)
	if answer.Code != 503 || disabled != works || !strings.Contains(page, says) || !strings.Contains(page, `name="q" value="job"`) || answer.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, %d disabled: %s", answer.Code, disabled, page)
	}
	if k.calls > works+bulkAtOnce {
		t.Errorf("%d were tried after the failure", k.calls-works)
	}
	s.Keeper = w
	answer = bulk(s, "do=disable&all=1&q=job", false)
	if says := fmt.Sprintf("%d tokens disabled; %d were so already.", n-works, works); answer.Code != 303 || !strings.Contains(answer.Body.String(), says) {
		t.Errorf("again: status %d: %s", answer.Code, answer.Body)
	}
	s.Keeper = &failing{Keeper: w, after: 0}
	if answer = bulk(s, "do=enable&all=1", true); answer.Code != 503 || !strings.Contains(answer.Body.String(), "No token enabled.") {
		t.Errorf("in JSON: status %d: %s", answer.Code, answer.Body)
	}
	if w.roster.Counts().Disabled != n {
		t.Error("something was done")
	}
}

// Those that fire are acknowledged, and no others; once is enough, and who
// brings alerts looks again.
func TestManyFiringsAreAcknowledged(t *testing.T) {
	w := crowd(t)
	for _, id := range []int64{2, 3} {
		w.beat(kae.Token{ID: id}, kae.Failure, 0, "", "")
	}
	b := w.alerts()
	s := w.server()
	for _, says := range []string{"2 tokens acknowledged by Ana; 1 does not fire.", "No token acknowledged by Ana; 2 were so already; 1 does not fire."} {
		if answer := bulk(s, "do=acknowledge&by=+Ana&why=on+it&all=1&q=is:up+is:firing", false); answer.Code != 303 || answer.Body.String() != "No token acknowledged by Ana.\n" {
			t.Errorf("of none: status %d: %s", answer.Code, answer.Body)
		}
		if answer := bulk(s, "do=acknowledge&by=+Ana&why=on+it&id=2&id=3&id=4", false); answer.Code != 303 || answer.Body.String() != says+"\n" {
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	}
	if told := w.told(); told[1] != "2 firing [db] 1h0m0s removed=false acknowledged by Ana" || told[3] != "4 up [db] 1h0m0s removed=false" || w.flips[2][0].Note != "Ana: on it" {
		t.Errorf("%q, %+v", told, w.flips[2])
	}
	if b.woken != 4 {
		t.Errorf("woken %d times", b.woken)
	}
}

// A time by the clock is that of each token; what is over by one of them is
// done to none.
func TestManyAreSnoozedByTheirOwnClocks(t *testing.T) {
	w := newWorld()
	for _, zone := range []string{"Europe/Madrid", "America/New_York"} {
		if got := post(w.server(), "/newtoken", "name", zone, "interval", "0 3 * * *", "zone", zone); got.Code != 303 {
			t.Fatal(got.Body)
		}
	}
	s := w.server()
	if answer := bulk(s, "do=snooze&until=2026-11-22+12:30&id=1&id=2", true); answer.Code != 422 || !strings.Contains(answer.Body.String(), "by the clock of Europe/Madrid it is 2026-11-22 13:00.") {
		t.Errorf("status %d: %s", answer.Code, answer.Body)
	}
	if answer := bulk(s, "do=snooze&until=2026-11-22+18:00&id=1&id=2", true); answer.Code != 200 {
		t.Errorf("status %d: %s", answer.Code, answer.Body)
	}
	for id, want := range map[int64]string{1: "17:00", 2: "23:00"} {
		if now, _ := w.roster.Get(id); now.SnoozedUntil.Format("15:04") != want {
			t.Errorf("token %d is snoozed until %v", id, now.SnoozedUntil)
		}
	}
}

// What is remembered for undoing is bounded.
func TestNotesAreBounded(t *testing.T) {
	m := newNotes()
	first := m.put(note{Text: "first"}, noon)
	for range 2 * maxNotes {
		m.put(note{ids: make([]int64, 10)}, noon)
	}
	if _, ok := m.get(first, noon); ok || len(m.byKey) != maxNotes || len(m.order) != maxNotes || m.ids != 10*maxNotes {
		t.Errorf("%d notes, %d keys, %d ids", len(m.byKey), len(m.order), m.ids)
	}
	large := m.put(note{ids: make([]int64, maxNotedIDs+1)}, noon)
	if _, ok := m.get(large, noon); !ok || len(m.byKey) != 1 {
		t.Errorf("%d notes beside a large one", len(m.byKey)-1)
	}
	m.put(note{}, noon)
	if len(m.byKey) != 1 || m.ids != 0 {
		t.Errorf("%d notes, %d ids after a large one", len(m.byKey), m.ids)
	}
	m.put(note{}, noon.Add(keepNotes+time.Second))
	if len(m.byKey) != 1 {
		t.Errorf("%d notes after an hour", len(m.byKey))
	}
}

// failing is a keeper that can't write any more after so many changes.
type failing struct {
	Keeper
	mu           sync.Mutex
	calls, after int
}

func (f *failing) Change(ctx context.Context, id int64, rule rule) (kae.Token, error) {
	f.mu.Lock()
	f.calls++
	fails := f.calls > f.after
	f.mu.Unlock()
	if fails {
		return kae.Token{}, &kae.Error{Code: kae.Unavailable, Message: "kae can't write.", Err: errors.New("disk full")}
	}
	return f.Keeper.Change(ctx, id, rule)
}

// BenchmarkBulk does one thing to 10,000 tokens on a real database.
func BenchmarkBulk(b *testing.B) {
	base, s := realServer(b)
	const n = 10_000
	made := s.changeAll(b.Context(), make([]int64, n), func(t kae.Token, now time.Time) (kae.Change, error) {
		t.Value, t.UUID, t.Status, t.CreatedAt = kae.NewValue(), kae.NewUUID(), kae.New, now
		return kae.Change{Token: t.With(kae.Settings{Name: "job", Schedule: kae.Every(time.Hour)})}, nil
	})
	if made.Changed != n {
		b.Fatalf("%+v", made)
	}
	for do := "disable"; b.Loop(); {
		status, body := call(b, "POST", base+"/tokens", url.Values{"do": {do}, "all": {"1"}})
		if status != 200 || !strings.HasPrefix(body, `{"changed":10000,"unchanged":0`) {
			b.Fatalf("%d %s", status, body)
		}
		do = map[string]string{"disable": "enable", "enable": "disable"}[do]
	}
}
