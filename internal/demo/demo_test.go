package demo

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// The moments that tests look at: a Sunday morning, the night of a Monday, and
// the hour that clocks skip in Madrid.
var moments = []time.Time{
	time.Date(2026, 11, 22, 9, 52, 20, 0, time.UTC),
	time.Date(2027, 1, 11, 2, 5, 0, 0, time.UTC),
	time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC),
}

// scenes are the demo as of them: read only.
var scenes = sync.OnceValue(func() []*Scene {
	var all []*Scene
	for _, now := range moments {
		all = append(all, New(now))
	}
	return all
})

func each(t *testing.T, f func(t *testing.T, s *Scene)) {
	for _, s := range scenes() {
		t.Run(s.Now.Format(time.RFC3339), func(t *testing.T) { f(t, s) })
	}
}

// words are all that a visitor may see of a token.
func words(t kae.Token, now time.Time) []string {
	if t.Removed() {
		return []string{"removed"}
	}
	all := []string{string(t.Status)}
	if t.Status == kae.Firing {
		all = append(all, string(t.Reason))
	}
	for word, is := range map[string]bool{
		"late": t.Late(now), "running": t.Running(), "unknown": t.Unknown, "counted miss": t.Strikes > 0 && t.Status == kae.Up,
	} {
		if is {
			all = append(all, word)
		}
	}
	return all
}

func TestEveryStateIsThereAtAnyTime(t *testing.T) {
	each(t, func(t *testing.T, s *Scene) {
		n := map[string]int{}
		for _, token := range s.Tokens {
			for _, word := range words(token, s.Now) {
				n[word]++
			}
		}
		for _, word := range []string{"new", "up", "running", "late", "missed", "failed", "overran", "disabled", "unknown", "counted miss", "removed"} {
			if n[word] == 0 {
				t.Errorf("no token is %s", word)
			}
		}
		if len(s.Tokens) < 40 || len(s.Tokens) > 48 || n["up"] < 25 || n["firing"] > 8 {
			t.Errorf("%d tokens: %v", len(s.Tokens), n)
		}
	})
}

func TestThePastHasEverythingThatHappensToTokens(t *testing.T) {
	s := scenes()[0]
	reasons, kinds, late := map[kae.Reason]bool{}, map[kae.Kind]bool{}, false
	for _, f := range s.flips {
		reasons[f.Reason] = true
	}
	for _, h := range s.beats {
		kinds[h.Kind] = true
		late = late || h.BackDated()
	}
	for _, why := range []kae.Reason{
		kae.First, kae.Missed, kae.Failed, kae.Recovered, kae.WasDisabled, kae.WasEnabled, kae.Edited, kae.Excused, kae.Overran, kae.ArrivedLate,
	} {
		if !reasons[why] {
			t.Errorf("nothing ever flipped for the reason %q", why)
		}
	}
	if !kinds[kae.Success] || !kinds[kae.Failure] || !kinds[kae.Start] || !late {
		t.Errorf("kinds %v, back-dated %v", kinds, late)
	}
	if len(s.Gaps) != len(gaps) || s.flips[0].At.After(s.Now.Add(-48*day)) {
		t.Errorf("%d gaps; the first flip is of %v", len(s.Gaps), s.flips[0].At)
	}
}

func TestThePastFitsTogether(t *testing.T) {
	each(t, func(t *testing.T, s *Scene) {
		status, flips := map[int64]kae.Status{}, map[int64]int64{}
		newest := map[int64]kae.Heartbeat{}
		for _, f := range s.flips {
			before := status[f.TokenID]
			if before == "" {
				before = kae.New
			}
			if flips[f.TokenID]++; f.From != before || f.Number != flips[f.TokenID] || f.At.After(s.Now) {
				t.Errorf("flip %+v after %s", f, before)
			}
			status[f.TokenID] = f.To
		}
		var pos int64
		for _, h := range s.beats {
			last := newest[h.TokenID]
			if pos++; h.Pos != pos || h.Prev != last.Pos || last.Number > 0 && h.Number != last.Number+1 || h.At.After(s.Now) {
				t.Errorf("heartbeat %+v after %+v", h, last)
			}
			newest[h.TokenID] = h
		}
		for _, token := range s.Tokens {
			if flips[token.ID] != token.Flips || token.Flips > 0 && status[token.ID] != token.Status {
				t.Errorf("%s: %d flips to %s, and is %s after %d", token.Name, flips[token.ID], status[token.ID], token.Status, token.Flips)
			}
			if h := newest[token.ID]; h.Number != token.Beats || h.Pos != token.LastPos {
				t.Errorf("%s: heartbeat %d at %d is its newest of %d, at %d", token.Name, h.Number, h.Pos, token.Beats, token.LastPos)
			}
			if token.Overdue(s.Now) {
				t.Errorf("%s is overdue and does not fire", token.Name)
			}
		}
	})
}

func TestTheDemoOfAMomentIsAlwaysTheSame(t *testing.T) {
	a, b := scenes()[0], New(moments[0])
	if diff := cmp.Diff(a.Tokens, b.Tokens, cmp.Comparer(kae.Schedule.Equal)); diff != "" {
		t.Errorf("the tokens differ:\n%s", diff)
	}
	if diff := cmp.Diff(a.beats, b.beats); diff != "" {
		t.Errorf("the heartbeats differ:\n%s", diff)
	}
}

func TestValuesLookLikeValues(t *testing.T) {
	seen := map[string]bool{}
	for _, token := range scenes()[0].Tokens {
		if len(token.Value) != len(kae.NewValue()) || strings.Trim(token.Value, "bcdfghjklmnpqrstvwxyz") != "" || seen[token.Value] {
			t.Errorf("value %q", token.Value)
		}
		if len(token.UUID) != len(kae.NewUUID()) || token.UUID[14] != '4' || seen[token.UUID] {
			t.Errorf("UUID %q", token.UUID)
		}
		seen[token.Value], seen[token.UUID] = true, true
	}
}

// rules is a keeper that keeps nothing but tokens.
type rules struct {
	tokens map[string]kae.Token
	flips  map[string][]kae.Reason
	late   int
}

func (k *rules) expire(now time.Time) {
	for value, t := range k.tokens {
		if c := t.Expire(now); c.Flip != nil {
			k.tokens[value], k.flips[t.Name] = c.Token, append(k.flips[t.Name], c.Flip.Reason)
		}
	}
}

func (k *rules) Heartbeat(_ context.Context, value string, h kae.Heartbeat) error {
	k.expire(h.At)
	t := k.tokens[value]
	if t.Late(h.At) {
		k.late++
	}
	c := t.Beat(t.Judge(h))
	k.tokens[value] = c.Token
	if c.Flip != nil {
		k.flips[t.Name] = append(k.flips[t.Name], c.Flip.Reason)
	}
	return nil
}

func TestThePageLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(time.Now())
		k := &rules{tokens: map[string]kae.Token{}, flips: map[string][]kae.Reason{}}
		for _, token := range s.Tokens {
			k.tokens[token.Value] = token
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		s.Play(ctx, k)
		fired := slices.DeleteFunc(slices.Clone(k.flips["Loading dock camera, gate 4"]), func(r kae.Reason) bool { return r != kae.Missed })
		if len(fired) < 8 || len(fired) > 15 {
			t.Errorf("within 15 minutes the camera fired %d times", len(fired))
		}
		if k.late < 5 {
			t.Errorf("within 15 minutes %d heartbeats were late", k.late)
		}
		firing := 0
		for _, token := range k.tokens {
			if token.Status == kae.Firing {
				firing++
			}
		}
		if firing > 8 {
			t.Errorf("after 15 minutes %d tokens fire", firing)
		}
	})
}

func TestALaptopThatSleptIsNotFlooded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stage(troubled(), time.Now())
		time.Sleep(8 * time.Hour)
		begin := time.Now()
		var beats int
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s.Play(ctx, counter{&beats})
		if beats > 10 || time.Since(begin) > time.Second {
			t.Errorf("%d heartbeats came within a second", beats)
		}
	})
}

type counter struct{ n *int }

func (c counter) Heartbeat(context.Context, string, kae.Heartbeat) error { *c.n++; return nil }
