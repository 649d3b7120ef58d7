package keeper

import (
	"errors"
	"slices"
	"strings"
	"time"

	"kae"
)

// turn is one round of changes, committed or not as a whole. What it makes of
// tokens is kept beside the roster until it is committed, so that a failed
// commit leaves memory as it was.
type turn struct {
	keeper *Keeper
	now    time.Time
	pos    int64 // the newest position, this turn's included
	lastID int64

	next    map[int64]kae.Token // tokens that this turn changed
	rows    map[int64]struct{}  // those whose whole row is written
	beats   []kae.Heartbeat
	flips   []kae.Flip
	alerts  []kae.Delivery
	gap     *kae.Gap
	alive   bool // the sign of life is written
	changes []kae.Change
	asked   []*item
	answers []kae.Token // of asked, where it is a rule
}

func (t *turn) begin(k *Keeper, now time.Time) {
	if t.next == nil {
		t.next, t.rows = map[int64]kae.Token{}, map[int64]struct{}{}
	}
	t.keeper, t.now, t.pos, t.lastID = k, now, k.pos, k.lastID
	clear(t.next)
	clear(t.rows)
	clear(t.beats)   // lets go of bodies
	clear(t.changes) // and of what a large turn held
	t.beats, t.flips, t.alerts, t.changes = t.beats[:0], t.flips[:0], t.alerts[:0], t.changes[:0]
	t.gap, t.alive = nil, false
	t.asked, t.answers = nil, t.answers[:0]
}

// token gives a token as this turn has left it.
func (t *turn) token(id int64) (kae.Token, bool) {
	if token, ok := t.next[id]; ok {
		return token, true
	}
	return t.keeper.roster.Get(id)
}

// apply takes a change into the turn. All but the plain movement of a token's
// times by a heartbeat writes its row.
func (t *turn) apply(c kae.Change) {
	if c.Beat == nil || c.Flip != nil {
		was, _ := t.token(c.Token.ID)
		t.tell(c, was)
	}
	t.next[c.Token.ID] = c.Token
	if c.Beat != nil {
		t.beats = append(t.beats, *c.Beat)
	}
	if c.Flip != nil {
		t.flips = append(t.flips, *c.Flip)
	}
	if c.Beat == nil || c.Flip != nil {
		t.rows[c.Token.ID] = struct{}{}
	}
	t.changes = append(t.changes, c)
}

// tell collects whom a change is told, and writes into the history in which
// maintenance it fell.
func (t *turn) tell(c kae.Change, was kae.Token) {
	policy := t.keeper.Policy()
	if c.Flip != nil && c.Flip.Note == "" {
		if w, on := policy.Maintenance(c.Token, c.Flip.At); on {
			c.Flip.Note = "maintenance: " + w.Name
		}
	}
	alert, ok := c.Alert(was)
	switch {
	case !ok:
	case alert.Recovery():
		t.alerts = append(t.alerts, kae.Delivery{Alert: alert})
	default:
		for _, channel := range policy.Channels(c.Token, alert.Reason) {
			t.alerts = append(t.alerts, kae.Delivery{ChannelID: channel, Alert: alert})
		}
	}
}

// take applies what was asked, in the order of arrival; but of heartbeats that
// tell what happened earlier the newest goes first, so that several which
// arrive together are one step: the older ones are then only recorded.
func (t *turn) take(asked []*item) {
	t.asked = asked
	newestFirst(asked)
	for i, it := range asked {
		t.answers = append(t.answers, kae.Token{})
		if it.rule != nil {
			t.answers[i], it.err = t.rule(it)
			continue
		}
		token, ok := t.token(it.id)
		switch {
		case !ok || token.Removed() || token.Value != it.value && !strings.EqualFold(token.UUID, it.value):
			it.err = errNotFound
			continue
		case token.PostOnly && !it.beat.Posted:
			it.err = errPostOnly
			continue
		}
		if it.beat.At.After(t.now.Add(skew)) {
			it.beat.At = t.now // the clock was set back after it came
		}
		t.pos++
		it.beat.Pos = t.pos
		t.apply(token.Beat(token.Judge(it.beat)))
	}
}

// newestFirst puts the heartbeats that tell of earlier times in order, each
// into the place of another one.
func newestFirst(asked []*item) {
	var at []int
	var late []*item
	for i, it := range asked {
		if it.beat.BackDated() {
			at, late = append(at, i), append(late, it)
		}
	}
	slices.SortStableFunc(late, func(a, b *item) int { return b.beat.At.Compare(a.beat.At) })
	for i, it := range late {
		asked[at[i]] = it
	}
}

func (t *turn) rule(it *item) (kae.Token, error) {
	token, ok := kae.Token{ID: t.lastID + 1}, true
	if it.id != 0 {
		token, ok = t.token(it.id)
	}
	if !ok {
		return kae.Token{}, errNotFound
	}
	change, err := it.rule(token, t.now)
	if err != nil {
		return kae.Token{}, err
	}
	t.lastID = max(t.lastID, change.Token.ID)
	t.apply(change)
	return change.Token, nil
}

// expire fires what was overdue when the turn began, after the heartbeats: one
// that came in time is never beaten by its own deadline. Tokens that became
// due are published, so that pages show them late.
func (t *turn) expire() {
	for _, token := range t.next {
		if token.Overdue(t.now) {
			t.apply(token.Expire(t.now))
		}
	}
	for _, token := range t.keeper.roster.Reached(t.now, turnExpires) {
		switch _, changed := t.next[token.ID]; {
		case changed: // judged above
		case token.Overdue(t.now):
			t.apply(token.Expire(t.now))
		default:
			t.changes = append(t.changes, kae.Change{Token: token})
			t.alive = t.alive || t.now.Sub(t.keeper.saver.aliveAt) >= time.Second
		}
	}
}

// excuse writes a gap down, and excuses the tokens that expected a heartbeat
// in it.
func (t *turn) excuse(gap *kae.Gap) {
	if gap == nil {
		return
	}
	t.gap = gap
	t.each(func(token kae.Token) (kae.Change, bool) {
		c := token.Excuse(*gap)
		return c, c.Flip != nil
	})
}

// rewind mends the times of all tokens after the clock was set back.
func (t *turn) rewind() {
	t.each(func(token kae.Token) (kae.Change, bool) {
		c := token.Rewind(t.now)
		return c, !c.Token.Since.Equal(token.Since) || !c.Token.StartedAt.Equal(token.StartedAt) || !c.Token.LastAt.Equal(token.LastAt)
	})
}

// each applies a rule to every token that is not removed, where it changes
// something.
func (t *turn) each(rule func(kae.Token) (c kae.Change, changed bool)) {
	var changes []kae.Change
	t.keeper.roster.All(func(token kae.Token) bool {
		if mine, ok := t.next[token.ID]; ok {
			token = mine
		}
		if c, changed := rule(token); changed && !token.Removed() {
			changes = append(changes, c)
		}
		return true
	})
	for _, c := range changes {
		t.apply(c)
	}
}

// writes tells whether there is anything to commit.
func (t *turn) writes() bool {
	return len(t.beats) > 0 || len(t.rows) > 0 || t.gap != nil || t.alive
}

// write puts the turn into a transaction.
func (t *turn) write(tx kae.Tx) error {
	if len(t.beats) == 0 && len(t.rows) > 0 {
		t.pos++ // every commit that writes tokens is told apart
	}
	rows := make([]kae.Token, 0, len(t.rows))
	for id := range t.rows {
		rows = append(rows, t.next[id])
	}
	created := t.lastID != t.keeper.lastID
	var errs []error
	if len(t.beats) > 0 {
		errs = append(errs, tx.Append(t.beats))
	}
	if len(rows) > 0 {
		errs = append(errs, tx.PutTokens(rows, t.pos))
	}
	if len(t.flips) > 0 {
		errs = append(errs, tx.AddFlips(t.flips, t.keeper.Keep))
	}
	if len(t.alerts) > 0 {
		errs = append(errs, tx.Alert(t.alerts, t.now))
	}
	if t.gap != nil {
		errs = append(errs, tx.AddGap(*t.gap))
	}
	if t.alive || created || t.gap != nil {
		clock := t.keeper.saver.clock(t.now)
		clock.Pos, clock.LastID = t.pos, t.lastID
		errs = append(errs, tx.SetClock(clock))
	}
	return errors.Join(errs...)
}

// finish answers everybody who asked, with err if the turn failed, and
// publishes what was committed.
func (t *turn) finish(err error) {
	if t.alive && err == nil {
		t.keeper.saver.aliveAt = t.now
	}
	for i, it := range t.asked {
		if err != nil {
			t.keeper.noteRefused(it)
		}
		it.answer(t.answers[i], err)
	}
	if err != nil {
		return
	}
	if len(t.alerts) > 0 {
		t.keeper.Alerted()
	}
	t.keeper.Hub.Publish(t.changes)
}
