package wrapper

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"kae"
)

// Ping is one heartbeat.
type Ping struct {
	Target  *Target
	Signal  string // "" (a success), "start", "fail", "log" or an exit status
	Message string
	Body    io.Reader // of which the end is sent; nil: nothing
	Agent   string
	Spool   Spool
	Linger  time.Duration // for how long delivery is tried
	Stderr  io.Writer
}

// Send delivers the heartbeat, for at most Linger or until ctx ends, else puts
// it into the spool and says so. A start is not kept: told later it would only
// confuse. delivered tells which; an error is neither.
func (p *Ping) Send(ctx context.Context) (delivered bool, err error) {
	c := newCourier(p.Agent, p.Target, p.Spool, p.Linger, p.Stderr)
	at := time.Now()
	var body []byte
	if p.Body != nil {
		end := newTail(p.Target.secret)
		if _, err := io.Copy(end, p.Body); err != nil {
			return false, &kae.Error{Code: kae.Invalid, Message: "the body can't be read", Err: err}
		}
		body = end.text()
	}
	r := p.Target.newReport(p.Signal, p.Message, url.Values{}, body)
	r.At = at
	ctx, cancel := context.WithTimeout(ctx, p.Linger)
	defer cancel()
	switch a := c.sender.deliver(ctx, r.URL, r.Body, nil); {
	case a.delivered:
		c.flush()
		c.finish(ctx)
		return true, nil
	case a.refused:
		return false, errors.New("the heartbeat was refused: " + a.reason)
	case p.Signal == "start":
		return false, errors.New("the start was not delivered (" + a.reason + "), and is not kept")
	default:
		if !c.keep(r, a.reason) {
			return false, ErrLost
		}
		return false, nil
	}
}

// Get sends a plain heartbeat by GET, which every service of the kind takes. It
// tries once, follows no redirection and keeps nothing. Its error does not hold
// the token.
func (t *Target) Get(ctx context.Context, agent string) error {
	a := newSender(agent, t.secret).request(ctx, http.MethodGet, t.heartbeat("", nil), nil)
	if a.delivered {
		return nil
	}
	return errors.New(a.reason)
}

// Host tells where the heartbeats go, for the log.
func (t *Target) Host() string { return t.url.Host }

// ErrLost is a heartbeat that could be neither delivered nor kept. Why has
// been said.
var ErrLost = errors.New("the heartbeat is lost")

// Flush sends what the spool keeps and gives how many heartbeats were sent and
// how many are left. Each server is tried for at most patience.
func Flush(ctx context.Context, s Spool, agent string, patience time.Duration) (sent, left int, err error) {
	if s.dir == "" {
		return 0, 0, errNoSpool
	}
	f := s.flush(ctx, newSender(agent, nil), patience)
	switch {
	case f.another:
		err = errors.New("another kae is sending the spool just now")
	case f.lost > 0:
		err = errors.New(f.dropped())
	case f.left > 0:
		err = errors.New("not all could be sent: " + f.reason)
	}
	return f.sent, f.left, err
}
