package keeper

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"kae"
)

// memory is a store in memory that fails when told to, in both ways: without
// and with the transaction having happened.
type memory struct {
	mu     sync.Mutex
	failed int // writes that failed
	writes int
	fail   func(write int) (err error, persist bool)
	held   chan struct{} // when not nil, a write waits until it is closed

	data data
}

type data struct {
	clock   kae.Clock
	tokens  map[int64]kae.Token
	saved   map[int64]int64
	journal []kae.Heartbeat
	filed   []kae.Heartbeat
	flips   []kae.Flip
	gaps    []kae.Gap
	alerts  []kae.Delivery
}

func (d data) clone() data {
	d.tokens, d.saved = maps.Clone(d.tokens), maps.Clone(d.saved)
	d.journal, d.filed = slices.Clone(d.journal), slices.Clone(d.filed)
	d.flips, d.gaps = slices.Clone(d.flips), slices.Clone(d.gaps)
	d.alerts = slices.Clone(d.alerts)
	return d
}

func newMemory() *memory {
	return &memory{data: data{tokens: map[int64]kae.Token{}, saved: map[int64]int64{}}}
}

var errDisk = &kae.Error{Code: kae.Unavailable, Message: "the disk is full"}

func (m *memory) Gaps(context.Context) ([]kae.Gap, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.data.gaps), nil
}

func (m *memory) Read(_ context.Context, after int64, token func(kae.Token, int64), beat func(kae.Heartbeat)) (kae.Clock, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err, _ := m.fail(-1); err != nil {
			return kae.Clock{}, err
		}
	}
	for id, t := range m.data.tokens {
		if m.data.saved[id] > after {
			token(t, m.data.saved[id])
		}
	}
	for _, h := range m.data.journal {
		if h.Pos > max(after, m.data.clock.Safe) {
			beat(h)
		}
	}
	clock := m.data.clock
	clock.Head = clock.Pos
	if len(m.data.journal) > 0 {
		clock.Head = m.data.journal[0].Pos - 1
	}
	return clock, nil
}

func (m *memory) Write(_ context.Context, f func(kae.Tx) error) error {
	m.mu.Lock()
	held := m.held
	m.mu.Unlock()
	if held != nil {
		<-held
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	next := m.data.clone()
	if err := f(&memoryTx{&next}); err != nil {
		return err
	}
	if m.fail != nil {
		if err, persist := m.fail(m.writes); err != nil {
			m.failed++
			if persist {
				m.data = next
			}
			return err
		}
	}
	m.data = next
	return nil
}

// look gives the data as it is now.
func (m *memory) look() data {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.data.clone()
}

// count tells how many writes there were, and how many of them failed.
func (m *memory) count() (writes, failed int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes, m.failed
}

// hold makes writes wait until release is called.
func (m *memory) hold() (release func()) {
	held := make(chan struct{})
	m.mu.Lock()
	m.held = held
	m.mu.Unlock()
	return func() {
		m.mu.Lock()
		m.held = nil
		m.mu.Unlock()
		close(held)
	}
}

func (m *memory) failWith(f func(write int) (error, bool)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = f
}

func (m *memory) History(context.Context, kae.Token, kae.HistoryQuery) (kae.History, error) {
	return kae.History{}, errors.ErrUnsupported
}
func (m *memory) Body(context.Context, int64, int64) ([]byte, error) {
	return nil, errors.ErrUnsupported
}
func (m *memory) Close() error { return nil }

type memoryTx struct{ *data }

func (x *memoryTx) Append(beats []kae.Heartbeat) error {
	x.journal = append(x.journal, beats...)
	return nil
}

func (x *memoryTx) PutTokens(tokens []kae.Token, pos int64) error {
	for _, t := range tokens {
		x.tokens[t.ID], x.saved[t.ID] = t, pos
	}
	return nil
}

func (x *memoryTx) SaveTokens(tokens []kae.Token, pos int64) error {
	for _, t := range tokens {
		if old, ok := x.tokens[t.ID]; ok && x.saved[t.ID] < pos {
			t.Value, t.UUID = old.Value, old.UUID
			x.tokens[t.ID], x.saved[t.ID] = t.With(old.Settings()), pos
		}
	}
	return nil
}

func (x *memoryTx) AddFlips(flips []kae.Flip, keep int64) error {
	x.flips = append(x.flips, flips...)
	return nil
}

func (x *memoryTx) Alert(alerts []kae.Delivery, _ time.Time) error {
	x.alerts = append(x.alerts, alerts...)
	return nil
}

func (x *memoryTx) AddGap(g kae.Gap) error {
	x.gaps = append(x.gaps, g)
	return nil
}

func (x *memoryTx) SetClock(c kae.Clock) error {
	x.clock = c
	return nil
}

func (x *memoryTx) Cut(to int64, floor func(int64) int64) error {
	for len(x.journal) > 0 && x.journal[0].Pos <= to {
		h := x.journal[0]
		if n := floor(h.TokenID); n >= 0 && h.Number > n {
			x.filed = append(x.filed, h)
		}
		x.journal = x.journal[1:]
	}
	return nil
}

func (x *memoryTx) Forget(ids []int64) error {
	for _, id := range ids {
		delete(x.tokens, id)
		delete(x.saved, id)
	}
	return nil
}
