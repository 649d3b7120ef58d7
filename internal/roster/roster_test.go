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
