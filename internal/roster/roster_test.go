package roster

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

var t0 = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func token(id int64, change func(*kae.Token)) kae.Token {
	t := kae.Token{
		ID: id, Value: fmt.Sprintf("value-%d", id), UUID: fmt.Sprintf("uuid-%d", id),
		Name: fmt.Sprintf("token %d", id), Tags: []string{"a", "b"}, Description: "what it does",
		Schedule: kae.Every(time.Minute), Grace: 10 * time.Second, Status: kae.Up, Reason: kae.First,
		CreatedAt: t0, Since: t0, LastAt: t0, FlippedAt: t0, Beats: 3, Flips: 1, LastPos: 7,
	}
	change(&t)
	return t.Settle()
}

func nothing(*kae.Token) {}

func install(r *Roster, now time.Time, tokens ...kae.Token) {
	var changes []kae.Change
	for _, t := range tokens {
		changes = append(changes, kae.Change{Token: t})
	}
	r.Install(changes, now)
}

func TestTokensComeBackWhole(t *testing.T) {
	r := New()
	all := func(t *kae.Token) {
		t.Unknown, t.Runs, t.Strikes = true, []kae.Run{{ID: "r", At: t0.Add(3 * time.Microsecond)}}, 2
		t.Took, t.Track = time.Minute, "track"
		t.MaxRun, t.FireAfter, t.BodyHas, t.BodyLacks, t.PostOnly = time.Hour, 3, "ok", "error", true
	}
	want := []kae.Token{token(1, nothing), token(2, all), token(3, func(t *kae.Token) { t.RemovedAt = t0 })}
	install(r, t0, want...)
	for _, w := range want {
		got, ok := r.Get(w.ID)
		if diff := cmp.Diff(w, got, cmp.AllowUnexported(kae.Schedule{})); !ok || diff != "" {
			t.Errorf("token %d: there: %t\n%s", w.ID, ok, diff)
		}
	}
	if _, ok := r.Get(4); ok {
		t.Error("a token that was never installed is there")
	}
}

func TestFindByValue(t *testing.T) {
	r := New()
	one := token(1, nothing)
	install(r, t0, one)
	find := func(value string, want bool) {
		t.Helper()
		if id, ok := r.Find(value); ok != want || ok && id != 1 {
			t.Errorf("find %q: %d, %t", value, id, ok)
		}
	}
	find("value-1", true)
	find("uuid-1", true)
	one.UUID = "8f14e45f-ceea-467f-a1d2-91b7a3a8b0c1"
	install(r, t0, one)
	find("8F14E45F-ceea-467f-a1d2-91b7a3a8b0c1", true)
	install(r, t0, one.Renew("other", "uuid").Token)
	find("value-1", false)
	find("8f14e45f-ceea-467f-a1d2-91b7a3a8b0c1", false)
	find("other", true)
	find("uuid", true)
	removed := one.Renew("other", "uuid").Token.Remove(t0).Token
	install(r, t0, removed)
	find("other", false)
	install(r, t0, removed.Undo(t0).Token)
	find("other", true)
	r.Drop([]int64{1, 99})
	find("other", false)
	find("uuid", false)
	if r.Len() != 0 {
		t.Error("it is still there")
	}
}

func TestCountsAddUp(t *testing.T) {
	r := New()
	install(r, t0.Add(65*time.Second),
		token(1, nothing), // late
		token(2, func(t *kae.Token) { t.Status = kae.Firing }),
		token(3, func(t *kae.Token) { t.Status, t.Since = kae.New, time.Time{} }),
		token(4, func(t *kae.Token) { t.Status = kae.Disabled }),
		token(5, func(t *kae.Token) { t.Since, t.Runs = t0.Add(time.Minute), []kae.Run{{At: t0}} }),
		token(6, func(t *kae.Token) { t.Since, t.Unknown = t0.Add(time.Minute), true }),
		token(7, func(t *kae.Token) { t.RemovedAt = t0 }),
	)
	want := Counts{Up: 3, Firing: 1, New: 1, Disabled: 1, Late: 1, Running: 1, Unknown: 1, Removed: 1}
	if diff := cmp.Diff(want, r.Counts()); diff != "" {
		t.Error(diff)
	}
	for id := range int64(7) {
		install(r, t0, token(id+1, func(t *kae.Token) { t.Status = kae.Disabled }))
	}
	if diff := cmp.Diff(Counts{Disabled: 7}, r.Counts()); diff != "" {
		t.Error(diff)
	}
	r.Drop([]int64{1, 2, 3, 4, 5, 6, 7})
	if diff := cmp.Diff(Counts{}, r.Counts()); diff != "" {
		t.Error(diff)
	}
}

func TestReached(t *testing.T) {
	r := New()
	install(r, t0, token(1, nothing), token(2, func(t *kae.Token) { t.Since = t0.Add(time.Hour) }))
	ids := func(now time.Time) (ids []int64) {
		for _, t := range r.Reached(now, 10) {
			ids = append(ids, t.ID)
		}
		return ids
	}
	due, dead := t0.Add(time.Minute), t0.Add(70*time.Second)
	if got := r.Wake(); !got.Equal(due) {
		t.Errorf("wakes at %v, want the due time", got)
	}
	if got := ids(due.Add(-time.Microsecond)); got != nil {
		t.Errorf("before it is due: %v", got)
	}
	for range 2 { // looking changes nothing
		if got := ids(due); !slices.Equal(got, []int64{1}) {
			t.Errorf("when it is due: %v", got)
		}
	}
	install(r, due, token(1, nothing))
	if got := ids(due); got != nil {
		t.Errorf("installed as late, it is reached again: %v", got)
	}
	if got := r.Wake(); !got.Equal(dead) {
		t.Errorf("wakes at %v, want the deadline", got)
	}
	if n, late := r.Overdue(dead), r.Overdue(dead.Add(-1000)); n != 1 || late != 0 {
		t.Errorf("%d overdue, before the deadline %d", n, late)
	}
	install(r, dead, token(1, nothing).Expire(dead).Token)
	if n := r.Overdue(dead.Add(time.Minute)); n != 0 {
		t.Errorf("fired, and still %d overdue", n)
	}
	if next, at, ok := r.NextToFire(); !ok || next.ID != 2 || !at.Equal(next.Deadline) {
		t.Errorf("next to fire: %d, %t", next.ID, ok)
	}
}

func TestReachedIsLimited(t *testing.T) {
	r := New()
	for id := range int64(100) {
		install(r, t0, token(id+1, nothing))
	}
	if got := len(r.Reached(t0.Add(time.Hour), 30)); got != 30 {
		t.Errorf("%d tokens, want 30", got)
	}
}

// The agenda stays in order whatever is installed.
func TestAgendaUnderChange(t *testing.T) {
	r := New()
	random := rand.New(rand.NewPCG(1, 2))
	latest := map[int64]kae.Token{}
	now := t0
	for range 5000 {
		id := random.Int64N(50) + 1
		tok := token(id, func(t *kae.Token) {
			t.Since = now.Add(time.Duration(random.IntN(1000)) * time.Second)
			t.Status = []kae.Status{kae.Up, kae.Up, kae.Firing, kae.Disabled}[random.IntN(4)]
		})
		if random.IntN(10) == 0 {
			r.Drop([]int64{id})
			delete(latest, id)
		} else {
			install(r, now, tok)
			latest[id] = tok
		}
		want := time.Time{}
		for _, tok := range latest {
			wake := tok.DueAt
			if tok.Deadline.IsZero() {
				continue
			}
			if want.IsZero() || wake.Before(want) {
				want = wake
			}
		}
		if got := r.Wake(); !got.Equal(want) {
			t.Fatalf("wakes at %v, want %v", got, want)
		}
	}
}

func TestPages(t *testing.T) {
	r := New()
	now := t0.Add(time.Hour)
	var want []int64
	add := func(id int64, change func(*kae.Token)) { install(r, now, token(id, change)); want = append(want, id) }
	// In the order in which they are to come: worst first, then due soonest.
	add(8, func(t *kae.Token) { t.Status, t.FlippedAt = kae.Firing, now })
	add(3, func(t *kae.Token) { t.Status, t.FlippedAt = kae.Firing, t0 })
	add(9, func(t *kae.Token) { t.Since, t.Grace = t0, 2*time.Hour })
	add(1, func(t *kae.Token) { t.Since, t.Grace = t0.Add(time.Second), 2*time.Hour })
	add(4, func(t *kae.Token) { t.Since, t.Unknown = now, true })
	add(5, func(t *kae.Token) { t.Since, t.Runs = now, []kae.Run{{At: now}} })
	add(7, func(t *kae.Token) { t.Since = now })
	add(2, func(t *kae.Token) { t.Since = now.Add(time.Second) })
	add(6, func(t *kae.Token) { t.Since = now.Add(time.Second) })
	add(11, func(t *kae.Token) { t.Status, t.Since = kae.New, time.Time{} })
	add(10, func(t *kae.Token) { t.Status = kae.Disabled })
	install(r, now, token(12, func(t *kae.Token) { t.RemovedAt = t0 }))

	for limit := 1; limit <= 12; limit++ {
		var got []int64
		q := Query{Limit: limit}
		for {
			page := r.Page(q)
			for _, t := range page.Tokens {
				got = append(got, t.ID)
			}
			if page.Total != len(want) {
				t.Errorf("%d in all, want %d", page.Total, len(want))
			}
			if !page.More {
				break
			}
			var err error
			if q.After, err = ParseKey(page.Next.String()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("in pages of %d:\n%s", limit, diff)
		}
	}
	for is, want := range map[string][]int64{
		"firing": {8, 3}, "late": {9, 1}, "unknown": {4}, "running": {5}, "up": {9, 1, 4, 5, 7, 2, 6}, "new": {11}, "disabled": {10}, "removed": {12}, "lost": nil,
	} {
		page := r.Page(Query{Is: []string{is}, Limit: 100})
		var got []int64
		for _, t := range page.Tokens {
			got = append(got, t.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" || page.Total != len(want) {
			t.Errorf("is %s:\n%s", is, diff)
		}
		for id := int64(1); id <= 13; id++ {
			if r.Fits(id, Query{Is: []string{is}}) != slices.Contains(want, id) {
				t.Errorf("is %s: token %d fits or not, unlike its page", is, id)
			}
		}
	}
	for _, bad := range []string{"", "1", "1.2", "a.b.c", "1.2.3.4", "9.2.3.4.", "1.2.3.x.", "/?after=1.2.3.4.", "01.2.3.4."} {
		if _, err := ParseKey(bad); kae.ErrorCode(err) != kae.Invalid {
			t.Errorf("key %q: %v", bad, err)
		}
	}
}

// Whatever happens, each order is that of its keys, and a page goes on where
// the one before ended.
func TestOrdersUnderChange(t *testing.T) {
	r := New()
	random := rand.New(rand.NewPCG(3, 4))
	latest := map[int64]kae.Token{}
	for i := range 3000 {
		id := random.Int64N(60) + 1
		now := t0.Add(time.Duration(i) * time.Second)
		if random.IntN(20) == 0 {
			r.Drop([]int64{id})
			delete(latest, id)
			continue
		}
		latest[id] = token(id, func(t *kae.Token) {
			t.Name = []string{"b", "B", "a", "ä", "C"}[random.IntN(5)]
			t.Tags = [][]string{nil, {"db"}, {"DB", "x"}}[random.IntN(3)]
			t.CreatedAt = t0.Add(-time.Duration(id%5) * time.Hour)
			t.LastAt = now.Add(-time.Duration(random.IntN(90)) * time.Second)
			t.Since, t.FlippedAt = t.LastAt, t.LastAt
			t.Status = []kae.Status{kae.Up, kae.Up, kae.Firing, kae.Disabled}[random.IntN(4)]
			t.Reason = []kae.Reason{kae.Missed, kae.Failed}[random.IntN(2)]
			if random.IntN(9) == 0 {
				t.RemovedAt = now
			}
		})
		install(r, now, latest[id])
		if i%10 == 0 {
			r.NextToFire()
		}
		if i%100 != 0 {
			continue
		}
		var fires *entry
		for _, e := range r.all {
			if e.fires != 0 && (fires == nil || e.fires < fires.fires) {
				fires = e
			}
		}
		if _, at, ok := r.NextToFire(); ok != (fires != nil) || ok && at.UnixMicro() != fires.fires {
			t.Fatalf("the next fires at %v, %t", at, ok)
		}
		queries := []Query{{}, {Is: []string{"removed"}}, {Is: []string{"missed"}}, {Is: []string{"firing"}}, {Is: []string{"up", "late"}}, {Tags: []string{"db"}}, {Words: []string{"ä"}}, {Words: []string{"does", "x"}}}
		for _, q := range queries {
			for q.Sort = range sorts {
				checkPages(t, r, latest, now, q)
			}
		}
	}
}

func checkPages(t *testing.T, r *Roster, all map[int64]kae.Token, now time.Time, q Query) {
	t.Helper()
	var want []*entry
	for _, tok := range all {
		var e entry
		e.pack(tok, now)
		late, ok := r.byID[tok.ID]
		e.late = ok && late.late // when it was installed
		if e.matches(&q) {
			want = append(want, &e)
		}
	}
	slices.SortFunc(want, func(a, b *entry) int {
		if a.key(q.Sort).before(b.key(q.Sort)) {
			return -1
		}
		return 1
	})
	ids, got := []int64{}, []int64{}
	for _, e := range want {
		ids = append(ids, e.id.id)
	}
	if diff := cmp.Diff(ids, r.Match(q)); diff != "" {
		t.Fatalf("%+v matches:\n%s", q, diff)
	}
	for q.Limit = 7; ; {
		page := r.Page(q)
		for _, tok := range page.Tokens {
			got = append(got, tok.ID)
		}
		if page.Total != len(want) {
			t.Fatalf("%+v: %d in all, want %d", q, page.Total, len(want))
		}
		if q.After = page.Next; !page.More {
			break
		}
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Fatalf("%+v:\n%s", q, diff)
	}
}

func TestGapsAreKept(t *testing.T) {
	r := New()
	r.SetGaps([]kae.Gap{{From: t0, To: t0.Add(time.Second)}})
	before := r.Gaps()
	for i := range kae.GapsKept {
		r.AddGap(kae.Gap{From: t0.Add(time.Duration(i+1) * time.Minute)})
	}
	got := r.Gaps()
	if len(before) != 1 || len(got) != kae.GapsKept || !got[0].From.Equal(t0.Add(time.Minute)) {
		t.Errorf("%d gaps from %v, before %d", len(got), got[0].From, len(before))
	}
}

// Where misses are counted, the one whose deadline is next need not be the one
// that fires next.
func TestNextToFireAndNextDue(t *testing.T) {
	r := New()
	if _, ok := r.NextDue(); ok {
		t.Error("nothing is there, and something is due")
	}
	install(r, t0, token(1, func(t *kae.Token) { t.FireAfter = 3 }), token(2, func(t *kae.Token) { t.Since, t.Grace = t0.Add(5*time.Second), time.Minute }),
		token(3, func(t *kae.Token) { t.Status = kae.Firing }))
	next, at, ok := r.NextToFire()
	if want := t0.Add(125 * time.Second); !ok || next.ID != 2 || !at.Equal(want) {
		t.Errorf("next to fire: %d at %v, want %v", next.ID, at, want)
	}
	install(r, t0, token(4, func(t *kae.Token) { t.Since = t0.Add(-5 * time.Second) }))
	if next, _, _ := r.NextToFire(); next.ID != 4 {
		t.Errorf("one that came since fires first: %d", next.ID)
	}
	r.Drop([]int64{4})
	if next, _, _ := r.NextToFire(); next.ID != 2 {
		t.Errorf("and when it is gone: %d", next.ID)
	}
	if due, ok := r.NextDue(); !ok || due.ID != 1 {
		t.Errorf("next due: %d", due.ID)
	}
	install(r, t0.Add(time.Minute), token(1, func(t *kae.Token) { t.FireAfter = 3 })) // late now
	if due, ok := r.NextDue(); !ok || due.ID != 2 {
		t.Errorf("next due but late: %d", due.ID)
	}
}

func BenchmarkPage(b *testing.B) {
	for _, n := range []int64{100, 10_000, 100_000} {
		r := New()
		random := rand.New(rand.NewPCG(1, 2))
		for id := range n {
			install(r, t0, token(id+1, func(t *kae.Token) { t.Since = t0.Add(time.Duration(random.IntN(1e9))) }))
		}
		for name, q := range map[string]Query{"all": {}, "is": {Is: []string{"up"}}, "tag": {Tags: []string{"a"}}, "words": {Words: []string{"does", "9"}}, "none": {Words: []string{"nowhere"}}, "last": {Sort: ByLast}} {
			b.Run(fmt.Sprint(n, "/", name), func(b *testing.B) {
				q.Limit = 100
				for b.Loop() {
					r.Page(q)
				}
			})
		}
		b.Run(fmt.Sprint(n, "/next"), func(b *testing.B) {
			for b.Loop() {
				r.NextToFire()
				r.NextDue()
			}
		})
	}
}

func BenchmarkInstall(b *testing.B) {
	r := New()
	const n = 100_000
	tokens := make([]kae.Token, n)
	for id := range int64(n) {
		tokens[id] = token(id+1, nothing)
	}
	install(r, t0, tokens...)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		t := tokens[i%n]
		t.Since = t.Since.Add(time.Duration(i) * time.Microsecond)
		r.Install([]kae.Change{{Token: t.Settle()}}, t0)
		i++
	}
}

func TestValuesAreThoseOfAllTokens(t *testing.T) {
	r := New()
	install(r, t0, token(1, nothing), token(2, func(t *kae.Token) { t.RemovedAt = t0 }), token(3, nothing))
	r.Drop([]int64{1})
	install(r, t0, token(3, nothing).Renew("other", "uuid").Token)
	got := map[int64]string{}
	r.Values(func(id int64, value string) { got[id] = value })
	if diff := cmp.Diff(map[int64]string{2: "value-2", 3: "other"}, got); diff != "" {
		t.Error(diff)
	}
}
