package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// proxy stands between a browser and kae, and treats what kae answers badly.
type proxy struct {
	url string
	to  string // kae's host and port

	mu      sync.Mutex
	change  *sync.Cond
	links   map[*link]bool
	down    bool          // connections are closed at once
	delay   time.Duration // of all that kae says
	stalled bool          // kae's answers are held back, on new connections, too
	left    int           // bytes that come through before all is cut; negative: no end
}

// link is one connection through a proxy.
type link struct {
	browser, kae net.Conn
	stuck        bool // for ever
}

func newProxy(t testing.TB, kae string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &proxy{url: "http://" + listener.Addr().String(), to: strings.TrimPrefix(kae, "http://"), links: map[*link]bool{}, left: -1}
	x.change = sync.NewCond(&x.mu)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			browser, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { x.carry(browser) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		x.set(func() { x.down, x.delay = true, 0; x.cutAll() })
		all.Wait()
	})
	return x
}

// carry carries one connection until it is cut.
func (x *proxy) carry(browser net.Conn) {
	defer browser.Close()
	kae, err := net.Dial("tcp", x.to)
	if err != nil {
		return
	}
	defer kae.Close()
	l := &link{browser: browser, kae: kae}
	x.mu.Lock()
	refused := x.down
	x.links[l] = true
	x.mu.Unlock()
	defer x.set(func() { delete(x.links, l) })
	if refused {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(kae, browser)
		kae.Close()
	}()
	defer func() { browser.Close(); <-done }()
	for buf := make([]byte, 4096); ; {
		n, err := kae.Read(buf)
		if err != nil {
			return
		}
		passed, cut := x.pass(l, n)
		if _, err := browser.Write(buf[:passed]); err != nil || cut {
			return
		}
	}
}

// pass holds bytes back as long as it should, and tells how many come through
// and whether that is the end.
func (x *proxy) pass(l *link, n int) (passed int, cut bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.delay > 0 {
		delay := x.delay
		x.mu.Unlock()
		<-time.After(delay)
		x.mu.Lock()
	}
	for (x.stalled || l.stuck) && x.links[l] {
		x.change.Wait()
	}
	if !x.links[l] {
		return 0, true
	}
	if x.left < 0 {
		return n, false
	}
	if n = min(n, x.left); n == x.left {
		x.down, x.left = true, -1
		x.cutAll()
		return n, true
	}
	x.left -= n
	return n, false
}

func (x *proxy) set(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f()
	x.change.Broadcast()
}

// cutAll closes what is open; the lock is held.
func (x *proxy) cutAll() {
	for l := range x.links {
		delete(x.links, l)
		l.kae.Close() // the other end goes when its bytes are through
	}
	x.change.Broadcast()
}

func (x *proxy) isDown() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.down
}

// witness writes down each change of a row of the list, and what is announced.
const witness = `window.seen = true; window.put = []; window.told = [];
	new MutationObserver(all => all.forEach(m => put.push({id: m.target.id, v: m.target.dataset.v})))
		.observe(document.querySelector("#rows"), {attributes: true, attributeFilter: ["data-v"], subtree: true});
	new MutationObserver(() => told.push(document.querySelector("#said").textContent)).observe(document.querySelector("#said"), {childList: true, characterData: true, subtree: true});
	void 0`

// shows waits until the list shows so many heartbeats of a token.
func (b *tab) shows(t token, beats int) {
	b.Helper()
	b.until(fmt.Sprintf("the list shows heartbeat %d", beats), fmt.Sprintf(`document.querySelector("#t%d").dataset.v.startsWith("%d.")`, t.ID, beats))
}

// A stream that is delayed, cut, cut in the middle of an event, and silent
// without an end: what the page shows is right in the end, what happened once
// is shown once, and silence is told.
func TestAStreamThatIsTreatedBadly(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	x := newProxy(t, p.url)
	token, beats := p.create("steady", 86400), 0
	p.create("quiet", 86400)
	beat := func(n int, word string) {
		t.Helper()
		for range n {
			p.beat(token.Value + word)
			beats++
		}
	}
	beat(1, "")
	b.do(chromedp.Navigate(x.url + "/"))
	b.until("connected", `document.querySelector(".live").checkVisibility()`)
	b.do(chromedp.Evaluate[chromedp.Void](witness))

	x.set(func() { x.delay = 400 * time.Millisecond })
	beat(20, "")
	b.shows(token, beats)
	x.set(func() { x.delay = 0 })

	for range 2 {
		x.set(func() { x.down = true; x.cutAll() })
		beat(3, "")
		x.set(func() { x.down = false })
		b.shows(token, beats)
	}
	// In the first line of an event, in the middle of a row, at its end.
	for _, bytes := range []int{5, 700, 1900} {
		x.set(func() { x.left = bytes })
		beat(1, "")
		eventually(t, 10*time.Second, func() error {
			if x.isDown() {
				return nil
			}
			p.beat(token.Value)
			beats++
			return fmt.Errorf("nothing is cut after %d bytes", bytes)
		})
		beat(1, "")
		x.set(func() { x.down = false })
		b.shows(token, beats)
	}

	x.set(func() { x.down = true; x.cutAll() })
	beat(1, "/fail")
	x.set(func() { x.down = false })
	b.shows(token, beats)
	b.until("it fires", `document.title == "(1) kae" && document.querySelector("#counts a.fire b").innerText == "1"`)
	x.set(func() { x.cutAll() }) // and everything is sent once more
	beat(1, "/log")
	b.shows(token, beats)

	b.silence(x, func() { beat(2, "/log") })
	b.shows(token, beats)
	beat(1, "/log")
	b.shows(token, beats)
	b.once(token)
	b.noReload()
}

// silence lets the stream say nothing while something happens, until the page
// says so; then new connections work, and the old one stays as it is.
func (b *tab) silence(x *proxy, happens func()) {
	b.Helper()
	start := time.Now()
	x.set(func() { x.stalled = true })
	before := b.eval(`document.querySelector("#t1").dataset.v`)
	happens()
	b.until("it says that nothing comes", `document.body.classList.contains("stale") && document.querySelector("#stale").checkVisibility() && !document.querySelector(".live").checkVisibility()`)
	if took := time.Since(start); took < 10*time.Second { // a tick may have come 5 s before
		b.Errorf("the page gives up after %v", took)
	}
	if text := b.eval(`document.querySelector("#stale").innerText`); !strings.Contains(text, "No news from kae for 15 s") {
		b.Errorf("it says %q", text)
	}
	if now := b.eval(`document.querySelector("#t1").dataset.v`); now != before {
		b.Errorf("the page shows %s, which nobody could have told it", now)
	}
	x.set(func() {
		for l := range x.links {
			l.stuck = true
		}
		x.stalled = false
	})
	// The page waits once more as long before it tries again; its clock is put
	// forward instead.
	b.do(chromedp.Evaluate[chromedp.Void](`(() => { const real = Date.now; Date.now = () => real() + 16e3 })()`))
	b.until("news again", `!document.body.classList.contains("stale") && !document.querySelector("#stale").checkVisibility() && document.querySelector(".live").checkVisibility()`)
	x.set(func() {
		for l := range x.links {
			l.stuck = false // what was held back comes too late to be shown
		}
	})
}

// once checks that nothing was shown twice, and nothing older after something
// newer.
func (b *tab) once(t token) {
	b.Helper()
	var put []struct{ ID, V string }
	var told []string
	for into, expression := range map[any]string{&put: "JSON.stringify(put)", &told: "JSON.stringify(told)"} {
		if err := json.Unmarshal([]byte(b.eval(expression)), into); err != nil {
			b.Fatal(err)
		}
	}
	newest, shown := 0, map[string]int{}
	for _, row := range put {
		var beats int
		if _, err := fmt.Sscanf(row.V, "%d.", &beats); err != nil {
			b.Fatalf("%q: %v", row.V, err)
		}
		shown[row.ID+" "+row.V]++
		if row.ID != fmt.Sprintf("t%d", t.ID) {
			b.Errorf("%s changed, to which nothing happened", row.ID)
			continue
		}
		if beats < newest {
			b.Errorf("heartbeat %d is shown after heartbeat %d", beats, newest)
		}
		newest = max(newest, beats)
	}
	for row, n := range shown {
		if n > 1 {
			b.Errorf("%s is shown as a change %d times", row, n)
		}
	}
	if len(shown) < 8 {
		b.Errorf("only %d changes were shown: %v", len(shown), shown)
	}
	fires := 0
	for _, text := range told {
		if strings.Contains(text, "fires") {
			fires++
		}
	}
	if fires != 1 {
		b.Errorf("that it fires is announced %d times: %q", fires, told)
	}
}

// The log of a token's page has each heartbeat once.
func TestALogWhoseStreamIsCut(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	x := newProxy(t, p.url)
	token := p.create("steady", 86400)
	p.beat(token.Value)
	b.do(chromedp.Navigate(fmt.Sprintf("%s/tokens/%d", x.url, token.ID)))
	b.until("connected", `document.querySelector(".live").checkVisibility()`)
	b.mark()
	for round := range 3 {
		x.set(func() { x.down = true; x.cutAll() })
		for range 4 {
			p.beat(token.Value + "/log") // good runs would be folded
		}
		if response, err := http.Get(x.url); err == nil {
			response.Body.Close()
			t.Fatal("the proxy lets something through")
		}
		x.set(func() { x.down = false })
		want := 1 + 4*(round+1)
		b.until(fmt.Sprintf("the log has %d rows", want), fmt.Sprintf(`(() => {
			const ids = [...document.querySelectorAll("#log tr[id^=hb-]")].map(row => row.id);
			return ids.length == %d && new Set(ids).size == %d && ids[0] == "hb-%d" })()`, want, want, want))
	}
	b.noReload()
}
