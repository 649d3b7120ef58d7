package wrapper

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// courier brings the reports of one run to kae.
type courier struct {
	sender *sender
	spool  Spool
	linger time.Duration
	stderr io.Writer

	mu   sync.Mutex
	said map[string]bool

	stopStart context.CancelFunc
	started   chan struct{} // closed when nobody tries to send the start any more
	start     answer

	flushing  sync.Once
	stopFlush context.CancelFunc
	flushed   chan flushed
}

func newCourier(agent string, t *Target, spool Spool, linger time.Duration, stderr io.Writer) *courier {
	return &courier{
		sender: newSender(agent, t.secret), spool: spool, linger: linger, stderr: stderr,
		said: map[string]bool{}, started: make(chan struct{}), flushed: make(chan flushed, 1),
		stopStart: func() {}, stopFlush: func() {},
	}
}

// say tells the person what is wrong, in a line, once.
func (c *courier) say(format string, a ...any) {
	text := c.sender.secret.hideIn(oneLine(fmt.Sprintf(format, a...)))
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.said[text] {
		c.said[text] = true
		fmt.Fprintln(c.stderr, "kae: "+text)
	}
}

// begin sends the start beside the command, again and again until it is told
// or the run has ended. The channel that it gives is closed after the first
// try.
func (c *courier) begin(r report) (tried <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	c.stopStart = cancel
	once := make(chan struct{})
	go func() {
		defer close(c.started)
		c.start = c.sender.deliver(ctx, r.URL, r.Body, func() { close(once) })
		if c.start.delivered {
			c.flush()
		}
	}()
	return once
}

// flush begins to send what the spool keeps, once there is a sign that kae is
// there again.
func (c *courier) flush() {
	c.flushing.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		c.stopFlush = cancel
		go func() { c.flushed <- c.spool.flush(ctx, c.sender, 0) }()
	})
}

// end delivers a run's last report, for at most the time to linger, or until
// hurry is closed; then it puts it into the spool. What the spool keeps of
// other runs may use the rest of that time.
func (c *courier) end(r report, hurry <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), c.linger)
	defer cancel()
	go func() {
		select {
		case <-hurry:
			cancel()
		case <-ctx.Done():
		}
	}()
	c.stopStart()
	<-c.started

	switch a := c.sender.deliver(ctx, r.URL, r.Body, nil); {
	case a.delivered:
		c.flush()
	case a.refused:
		c.say("the heartbeat was refused: %s", a.reason)
	default:
		c.keep(r, a.reason)
	}
	if c.start.refused {
		c.say("the heartbeat was refused: %s", c.start.reason)
	}
	c.finish(ctx)
}

// keep puts a report into the spool and says so.
func (c *courier) keep(r report, reason string) bool {
	dropped, err := c.spool.put(r)
	if err != nil {
		c.say("the heartbeat is lost: it was not delivered (%s), and it can't be kept (%v)", reason, err)
		return false
	}
	c.say("the heartbeat was not delivered (%s); it is kept in %s until the next “kae exec” or “kae flush”", reason, c.spool.dir)
	if dropped > 0 {
		c.say("the spool was full: %s dropped", heartbeats(dropped))
	}
	return true
}

// finish waits for the spool to be sent, or for ctx.
func (c *courier) finish(ctx context.Context) {
	begun := true
	c.flushing.Do(func() { begun = false })
	if !begun {
		return
	}
	var f flushed
	select {
	case f = <-c.flushed:
	case <-ctx.Done():
		c.stopFlush()
		f = <-c.flushed
	}
	if f.lost > 0 {
		c.say("%s", f.dropped())
	}
}

func heartbeats(n int) string {
	if n == 1 {
		return "1 heartbeat"
	}
	return fmt.Sprintf("%d heartbeats", n)
}
