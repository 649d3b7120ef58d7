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

// A snooze ends by itself, without a change.
func TestWhatPeopleSaidIsFound(t *testing.T) {
	r := New()
	install(r, t0, token(1, func(t *kae.Token) { t.Status, t.Ack = kae.Firing, &kae.Ack{At: t0, By: "Ana"} }),
		token(2, func(t *kae.Token) { t.SnoozedUntil = t0.Add(time.Hour) }), token(3, nothing))
	for _, c := range []struct {
		is   string
		at   time.Duration
		want []int64
	}{
		{"acknowledged", 0, []int64{1}},
		{"snoozed", 0, []int64{2}},
		{"snoozed", time.Hour - time.Microsecond, []int64{2}},
		{"snoozed", time.Hour, []int64{}},
	} {
		q := Query{Is: []string{c.is}, Now: t0.Add(c.at), Limit: 10}
		if page := r.Page(q); page.Total != len(c.want) {
			t.Errorf("is:%s after %v: %d in all", c.is, c.at, page.Total)
		}
		if diff := cmp.Diff(c.want, r.Match(q)); diff != "" {
			t.Errorf("is:%s after %v:\n%s", c.is, c.at, diff)
		}
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
