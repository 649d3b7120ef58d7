package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"kae"
)

// Failed logins of one address: so many at once, then one in so long.
const (
	loginBurst = 10
	loginPause = 6 * time.Second
	maxLogins  = 10_000 // addresses and browsers that are remembered
)

// guarded lets only those through who may see the console, and refuses what
// another site makes a browser do.
func (s *Server) guarded(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.admit(w, r); err != nil {
			return err
		}
		if err := s.origin.Check(r); err != nil {
			return &kae.Error{Code: forbidden, Message: "This request came from another site, so nothing was changed."}
		}
		return h(w, r)
	}
}

// admit checks who asks.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) error {
	switch {
	case s.User != "" || s.Pass != "":
		return s.login(w, r)
	case s.NoAuth || loopbackHost(r.Host) && !forwarded(r):
		return nil
	}
	// A name that another site points at this machine would open the console
	// to that site's scripts.
	return &kae.Error{Code: forbidden, Message: "Without credentials the console answers only under the name localhost or a loopback address, and to no proxy. " +
		"Set KAE_USER and KAE_PASS, or start kae with -no-auth."}
}

// login checks the credentials of basic auth.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	missing := &kae.Error{Code: unauthorized, Message: "The console needs a user name and a password."}
	user, pass, given := r.BasicAuth()
	if !given {
		return missing
	}
	who, known := s.logins.knows(r)
	if !known {
		who = neighbourhood(s.client(r))
	}
	// Hashes, so that the time tells nothing, not even lengths.
	u, p := sha256.Sum256([]byte(user)), sha256.Sum256([]byte(pass))
	err := s.logins.try(who, time.Now(), [2][sha256.Size]byte{u, p}, func() error {
		if subtle.ConstantTimeCompare(u[:], s.user[:])&subtle.ConstantTimeCompare(p[:], s.pass[:]) != 1 {
			return missing
		}
		return nil
	})
	if err == nil && !known && strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.SetCookie(w, &http.Cookie{Name: knownCookie, Value: s.logins.introduce(), Path: "/", MaxAge: 365 * 86400,
			HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(s.base(r), "https:")})
	}
	return err
}

// knownCookie is what a browser gets that was let in. It opens nothing, but
// its bearer's failures are counted apart from those of its address: however
// much is guessed there, the right password from this browser gets in.
const knownCookie = "kae-known"

// introduce makes such a cookie: a name, and proof that it was made here.
func (l *logins) introduce() string {
	name := rand.Text()
	return name + "." + l.proof(name)
}

// knows gives the name of the browser that asks, if it was let in before.
func (l *logins) knows(r *http.Request) (who string, ok bool) {
	cookie, err := r.Cookie(knownCookie)
	if err != nil {
		return "", false
	}
	name, proof, _ := strings.Cut(cookie.Value, ".")
	return name, hmac.Equal([]byte(proof), []byte(l.proof(name)))
}

func (l *logins) proof(name string) string {
	mac := hmac.New(sha256.New, l.key[:])
	mac.Write([]byte(name))
	return hex.EncodeToString(mac.Sum(nil))
}

// logins slows down who guesses. A guess that was wrong before tells nobody
// anything, so it is refused and not counted: a forgotten script with an old
// password keeps nobody out who comes from the same address with the right one.
type logins struct {
	key    [sha256.Size]byte // of fingerprints and proofs, so that nobody can make them
	mu     sync.Mutex
	failed map[string]*failures // by address or browser
}

// failures are those of one address or browser.
type failures struct {
	*rate.Limiter
	wrong []uint64 // fingerprints of the newest wrong guesses, the oldest first
}

func newLogins() *logins {
	l := &logins{failed: map[string]*failures{}}
	rand.Read(l.key[:])
	return l
}

// try calls check unless somebody has failed too often lately. Checks wait
// for one another, or many at once would all see the same past.
func (l *logins) try(who string, now time.Time, guess [2][sha256.Size]byte, check func() error) error {
	guessed := l.fingerprint(guess)
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.failed[who]
	if f != nil && f.TokensAt(now) < 1 && !slices.Contains(f.wrong, guessed) {
		return &kae.Error{Code: tooMany, Message: "Too many failed logins from this address. Wait a little, then try again."}
	}
	err := check()
	if err == nil {
		return nil
	}
	if f == nil {
		l.makeRoom(now)
		f = &failures{Limiter: rate.NewLimiter(rate.Every(loginPause), loginBurst)}
		l.failed[who] = f
	}
	if slices.Contains(f.wrong, guessed) {
		return err
	}
	f.AllowN(now, 1)
	if len(f.wrong) == loginBurst {
		f.wrong = slices.Delete(f.wrong, 0, 1)
	}
	f.wrong = append(f.wrong, guessed)
	return err
}

func (l *logins) fingerprint(guess [2][sha256.Size]byte) uint64 {
	sum := sha256.Sum256(slices.Concat(l.key[:], guess[0][:], guess[1][:]))
	return binary.LittleEndian.Uint64(sum[:])
}

// makeRoom forgets the addresses that have paid off their failures and, if
// that is not enough, any of them.
func (l *logins) makeRoom(now time.Time) {
	if len(l.failed) < maxLogins {
		return
	}
	for who, f := range l.failed {
		if f.TokensAt(now) >= loginBurst {
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
func neighbourhood(addr netip.Addr) string {
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
