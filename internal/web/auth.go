package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kae"
)

// Failed logins of one address: so many at once, then one in so long.
const (
	loginBurst = 10
	loginPause = 6 * time.Second
	maxLogins  = 10_000 // addresses that are remembered
)

// guarded lets only those through who may see the console, and refuses what
// another site makes a browser do.
func (s *Server) guarded(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.admit(r); err != nil {
			return err
		}
		if err := s.origin.Check(r); err != nil {
			return &kae.Error{Code: forbidden, Message: "This request came from another site, so nothing was changed."}
		}
		return h(w, r)
	}
}

// admit checks who asks.
func (s *Server) admit(r *http.Request) error {
	switch {
	case s.User != "" || s.Pass != "":
		return s.login(r)
	case s.NoAuth || loopbackHost(r.Host) && !forwarded(r):
		return nil
	}
	// A name that another site points at this machine would open the console
	// to that site's scripts.
	return &kae.Error{Code: forbidden, Message: "Without credentials the console answers only under the name localhost or a loopback address, and to no proxy. " +
		"Set KAE_USER and KAE_PASS, or start kae with -no-auth."}
}

// login checks the credentials of basic auth.
func (s *Server) login(r *http.Request) error {
	missing := &kae.Error{Code: unauthorized, Message: "The console needs a user name and a password."}
	user, pass, given := r.BasicAuth()
	if !given {
		return missing
	}
	return s.logins.try(s.client(r), time.Now(), func() error {
		// Hashes, so that the time tells nothing, not even lengths.
		u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(pass))
		if subtle.ConstantTimeCompare(u[:], s.user[:])&subtle.ConstantTimeCompare(p[:], s.pass[:]) != 1 {
			return missing
		}
		return nil
	})
}

// logins slows down who guesses.
type logins struct {
	mu     sync.Mutex
	failed map[netip.Prefix]*rate.Limiter
}

func newLogins() *logins { return &logins{failed: map[netip.Prefix]*rate.Limiter{}} }

// try calls check unless the address has failed too often lately. Checks wait
// for one another, or many at once would all see the same past.
func (l *logins) try(from netip.Addr, now time.Time, check func() error) error {
	who := neighbourhood(from)
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.failed[who]
	if limit != nil && limit.TokensAt(now) < 1 {
		return &kae.Error{Code: tooMany, Message: "Too many failed logins from this address. Wait a little, then try again."}
	}
	err := check()
	if err == nil {
		return nil
	}
	if limit == nil {
		l.makeRoom(now)
		limit = rate.NewLimiter(rate.Every(loginPause), loginBurst)
		l.failed[who] = limit
	}
	limit.AllowN(now, 1)
	return err
}

// makeRoom forgets the addresses that have paid off their failures and, if
// that is not enough, any of them.
func (l *logins) makeRoom(now time.Time) {
	if len(l.failed) < maxLogins {
		return
	}
	for who, limit := range l.failed {
		if limit.TokensAt(now) >= loginBurst {
			delete(l.failed, who)
		}
	}
	for who := range l.failed {
		if len(l.failed) < maxLogins {
			return
		}
		delete(l.failed, who)
	}
}

// neighbourhood is what one guesser can easily have: an address of IPv4, a /64
// of IPv6.
func neighbourhood(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
