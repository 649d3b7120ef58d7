package wrapper

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"kae"
)

// flushed is what came of sending a spool.
type flushed struct {
	sent    int
	lost    int    // refused for good, or damaged
	left    int    // still there
	reason  string // why something was lost or is left
	another bool   // another kae is sending it
}

// dropped tells what became of those that were refused.
func (f flushed) dropped() string {
	return fmt.Sprintf("%s of the spool refused, and dropped: %s", heartbeats(f.lost), f.reason)
}

// flush sends what the spool keeps, newest first: that one tells how things are,
// and those before it are then only recorded, without taking the token's status
// through all of the past. A server that does not
// answer is tried for as long as patience allows (once at least) and then left
// alone; reports for another one still go out.
func (s Spool) flush(ctx context.Context, sender *sender, patience time.Duration) (f flushed) {
	all, err := s.list()
	if err != nil {
		return flushed{left: 1, reason: err.Error()}
	}
	if len(all) == 0 {
		return f
	}
	release, ok := s.lock()
	if !ok {
		return flushed{left: len(all), another: true}
	}
	defer release.Close()
	if all, err = s.list(); err != nil { // the one before may have sent some
		return flushed{left: 1, reason: err.Error()}
	}
	slices.Reverse(all)
	silent := map[string]bool{}
	for _, e := range all {
		r, err := s.read(e)
		if err != nil && kae.ErrorCode(err) != kae.Invalid {
			f.left, f.reason = f.left+1, err.Error()
			continue
		} else if err != nil {
			s.drop(e)
			f.lost, f.reason = f.lost+1, err.Error()
			continue
		}
		host := hostOf(r.URL)
		if silent[host] || ctx.Err() != nil {
			f.left++
			continue
		}
		switch a := sender.patiently(ctx, r, patience); {
		case a.delivered:
			s.drop(e)
			f.sent++
		case a.refused:
			s.drop(e)
			f.lost, f.reason = f.lost+1, a.reason
		default:
			silent[host] = true
			f.left, f.reason = f.left+1, a.reason
		}
	}
	return f
}

// patiently sends a report that is late.
func (s *sender) patiently(ctx context.Context, r report, patience time.Duration) answer {
	if u, err := url.Parse(r.URL); err == nil {
		// Whose token it is differs from one report to the next.
		s = &sender{s.client, s.agent, append(secretsOf(u), s.secret...)}
	}
	if patience <= 0 {
		return s.send(ctx, r.late(), r.Body)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.deliver(ctx, r.late(), r.Body, nil)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
