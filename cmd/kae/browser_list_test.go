package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// jobs makes tokens that have had a heartbeat, and opens the list of them: the
// one that is due soonest, job 1, is the first.
func (b *tab) jobs(n int) (*program, []token) {
	b.Helper()
	p := launch(b, b.TempDir())
	var tokens []token
	for i := range n {
		token := p.create(fmt.Sprint("job ", i+1), 3600*(i+1))
		p.beat(token.Value)
		tokens = append(tokens, token)
	}
	b.do(chromedp.Navigate(p.url + "/?sort=name"))
	b.until("the list is live", fmt.Sprintf(`document.querySelectorAll("#rows > tr").length == %d && document.querySelector(".live").checkVisibility()`, n))
	return p, tokens
}

// down presses a key whose character the page keeps to itself. KeyEvent would
// send that all the same.
func (b *tab) down(key, code string, virtual int64) {
	b.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: key, Code: code, WindowsVirtualKeyCode: virtual}); err != nil {
			b.Fatal(err)
		}
	}
}

// live waits for the page's script and stream, without which keys do nothing.
func (b *tab) live() {
	b.Helper()
	b.until("the page is live", `document.querySelector(".live")?.checkVisibility()`)
}

func (b *tab) slash() { b.Helper(); b.down("/", "Slash", 191) }

func chosen(ids ...int) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#rows :checked")].map(x => x.value).join() == %q`, strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]"))
}

// The list by the keyboard alone.
func TestTheListByTheKeyboard(t *testing.T) {
	b := openBrowser(t)
	p, _ := b.jobs(4)
	at := func(id int) string {
		return fmt.Sprintf(`document.querySelector("#rows .cur")?.id == "t%d" && document.activeElement == document.querySelector("#t%d .c-n a")`, id, id)
	}
	b.mark()
	b.press("j")
	b.until("the first", at(1))
	b.press("j", "j", "k")
	b.until("the second", at(2))
	b.press("x", "j", "j", "X")
	b.until("three are chosen", chosen(2, 3, 4))
	b.until("the bar says so", `document.querySelector(".bulk").checkVisibility() && getComputedStyle(document.querySelector(".bulk b"), "::before").content.includes("counter")`)
	b.press("k", "x")
	b.until("one less", chosen(2, 4)+` && document.querySelector("#pick-all").indeterminate`)
	b.press("d")
	b.until("disabled", `document.querySelector("#t3").classList.contains("dis")`)
	b.until("chosen are the same, and it is where it was", chosen(2, 4)+" && "+at(3))
	b.press("d")
	b.until("enabled", `document.querySelector("#t3").classList.contains("up")`)
	b.press("?")
	b.until("help", `document.querySelector("#keys").open`)
	b.press("j")
	b.until("and nothing else", at(3)+` || document.querySelector("#t3").classList.contains("cur")`)
	b.press(kb.Escape)
	b.until("no help", `!document.querySelector("#keys").open && `+chosen(2, 4))
	b.press(kb.Escape)
	b.until("nothing is chosen", chosen()+` && !document.querySelector(".bulk").checkVisibility()`)

	b.slash()
	b.press("n", "o", "x", "?")
	b.until("what is typed in the search is typed", `document.activeElement.id == "q" && document.activeElement.value == "nox?" && !document.querySelector("#keys").open && `+chosen())
	b.noReload()
	b.press(kb.Escape, "?")
	b.until("help again", `document.querySelector("#keys").open`)
	b.press(" ") // the switch has the focus
	b.until("switched off", `!document.querySelector("#keys-on").checked`)
	b.press(kb.Escape, "f", "n", "x")
	b.until("single keys do nothing", `location.search == "?sort=name" && `+chosen())
	b.noReload()
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#keys").showModal(); document.querySelector("#keys-on").click(); document.querySelector("#keys").close(); document.activeElement.blur(); void 0`))

	b.press("f")
	b.until("only what fires", `location.search == "?q=is:firing" && document.body.innerText.includes("Nothing matches is:firing")`)
	b.live()
	b.press("f")
	b.until("everything again", `location.search == "" && document.querySelectorAll("#rows > tr").length == 4`)
	b.live()
	b.slash()
	b.press("j", "o", "b", " ", "3", kb.Enter)
	b.until("found", `location.search == "?q=job+3" && document.querySelectorAll("#rows > tr").length == 1 && document.querySelector("#next").innerText.startsWith("1 token matches")`)
	b.live()
	b.press("j")
	b.until("the one that was found", at(3))
	b.press(kb.Enter)
	b.until("opened", `location.pathname == "/tokens/3"`)
	b.do(chromedp.Navigate(p.url + "/"))
	b.live()
	b.press("n")
	b.until("a new one", `location.pathname == "/newtoken"`)
	b.quiet()
}

// Rows are chosen by the pointer; what is chosen outlives news and sorting.
func TestSelectingInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p, tokens := b.jobs(5)
	b.click("#t2 .c-x input")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#t4 .c-x input").dispatchEvent(new MouseEvent("click", {shiftKey: true, bubbles: true, cancelable: true})); void 0`))
	b.until("a range", chosen(2, 3, 4))
	b.mark()
	p.send(tokens[1].Value + "/fail")
	b.until("one of them fires", `document.querySelector("#t2").classList.contains("fire")`)
	p.beat(tokens[2].Value)
	b.until("another one had a heartbeat", `document.querySelector("#t3").dataset.v.startsWith("2.")`)
	b.until("they are chosen still", chosen(2, 3, 4))
	b.noReload()
	b.click("#t3 .c-x input")
	b.click(`.seg [data-t="48d"]`)
	b.until("on another axis, too", `location.search.includes("t=48d") && `+chosen(2, 4))
	b.everywhere("list-selected")

	b.click(".bulk [value=disable]")
	b.until("disabled", `document.querySelector(".undo")?.innerText.includes("2 tokens") && ["t2", "t4"].every(id => document.getElementById(id).classList.contains("dis")) && document.querySelectorAll("#rows .dis").length == 2`)
	b.until("the list is as it was", `location.search.includes("sort=name") && location.search.includes("t=48d")`)
	b.click("#t2 .c-x input")
	b.click("#t4 .c-x input")
	b.click(".bulk [value=enable]")
	b.until("enabled", `document.querySelectorAll("#rows .dis").length == 0`)

	b.click("#pick-all")
	b.until("all on the page", chosen(1, 2, 3, 4, 5))
	b.click(".bulk .ask:first-of-type summary")
	b.write("#bulk-tags", "nightly")
	b.press(kb.Enter)
	b.until("tagged", `document.querySelectorAll('#rows .tag[href="/?q=tag:nightly"]').length == 5`)
	b.click("#pick-all")
	b.click(".bulk .ask ~ .ask summary")
	b.write("#bulk-grace", "2h")
	b.press(kb.Enter)
	eventually(t, 10*time.Second, func() error {
		if got := p.grace(5); got != 7200 {
			return fmt.Errorf("the grace is %v s", got)
		}
		return nil
	})
	b.until("none is chosen after that", chosen())
	b.click("#t1 .c-x input")
	b.click("#t5 .c-x input")
	b.click(".bulk [type=reset]")
	b.until("nothing is chosen", chosen()+` && !document.querySelector(".bulk").checkVisibility()`)
	b.click("#t1 .c-x input")
	b.click("#t5 .c-x input")
	b.click(".bulk [value=remove]")
	b.until("removed", `document.querySelectorAll("#rows > tr").length == 3`)
	b.click(".undo button")
	b.until("brought back", `document.querySelectorAll("#rows > tr").length == 5`)
	b.quiet()
}

// All that match are chosen, and not only those of this page.
func TestAllThatMatchInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	for i := range 103 {
		p.create(fmt.Sprint("job ", i+1), 3600)
	}
	p.create("another one", 3600)
	b.do(chromedp.Navigate(p.url + "/?q=job"))
	b.click("#rows > tr:nth-child(3) .c-x input")
	b.click(".bulk [name=all]")
	b.until("all are marked", `document.querySelectorAll("#rows :checked").length == 100 && getComputedStyle(document.querySelector(".bulk b"), "::before").content.includes("103")`)
	b.click("#rows > tr:nth-child(3) .c-x input")
	b.until("one less is not all", `!document.querySelector(".bulk [name=all]").checked && document.querySelectorAll("#rows :checked").length == 99`)
	b.click(".bulk [name=all]")
	b.click(".bulk [value=remove]")
	b.until("removed", `document.querySelector(".undo")?.innerText.includes("103 tokens removed")`)
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("one is left", `document.querySelectorAll("#rows > tr").length == 1`)
	b.quiet()
}

// The rows of the last tokens go before the answer to their removal is there;
// the page waits for it all the same.
func TestTheAnswerIsSeenThoughRowsGoBeforeIt(t *testing.T) {
	b := openBrowser(t)
	p, _ := b.jobs(2)
	kae, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	answer := sync.OnceFunc(func() { close(gone) })
	slow := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(kae)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPost {
				<-gone
			}
			return nil
		},
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			answer()
			return
		}
		slow.ServeHTTP(w, r)
	}))
	defer front.Close()
	defer front.CloseClientConnections() // the page listens still
	defer answer()
	b.do(chromedp.Navigate(front.URL + "/"))
	b.until("live", `document.querySelector(".live").checkVisibility()`)
	b.do(chromedp.Evaluate[chromedp.Void](`new MutationObserver((_, o) => {
		if (document.querySelector("#rows > tr")) return;
		o.disconnect();
		navigator.sendBeacon("/gone");
	}).observe(document.querySelector("#rows"), { childList: true })`))
	b.click("#t1 .c-x input")
	b.click("#t2 .c-x input")
	b.click(".bulk [value=remove]")
	b.until("it is told", `document.querySelector(".undo")?.innerText.includes("2 tokens removed")`)
	b.quiet()
}

// The menu of a row, by the pointer and by the keyboard.
func TestTheMenuOfARow(t *testing.T) {
	b := openBrowser(t)
	p, tokens := b.jobs(3)
	b.mark()
	items := `[...document.querySelectorAll("#menu [role=menuitem]")].filter(x => x.checkVisibility()).map(x => x.innerText.trim().split("\n")[0]).join()`
	b.click("#t2 [data-menu]")
	b.until("it is open", `!document.querySelector("#menu").hidden && document.querySelector("#t2 [aria-expanded=true]") && document.activeElement.innerText.includes("Send a heartbeat now")`)
	if got := b.eval(items); got != "Send a heartbeat now,Copy URL,Disable,Snooze…,Edit,New value,Remove" {
		t.Errorf("it has %s", got)
	}
	b.accessible("the open menu")
	b.until("it is inside the page", `(r => r.right <= innerWidth && r.bottom <= innerHeight)(document.querySelector("#menu").getBoundingClientRect())`)
	b.press(kb.ArrowDown, kb.ArrowDown, kb.ArrowUp, kb.End)
	b.until("arrow keys walk", `document.activeElement.innerText.includes("Remove")`)
	b.press(kb.Escape)
	b.until("closed, and back", `document.querySelector("#menu").hidden && document.activeElement == document.querySelector("#t2 [data-menu]")`)
	b.down("Enter", "Enter", 13)
	b.press(kb.ArrowDown, kb.ArrowDown, kb.Enter)
	b.until("disabled", `document.querySelector("#t2").classList.contains("dis")`)
	b.click("#t2 [data-menu]")
	b.until("it offers to enable", items+`.includes("Enable")`)
	b.click(".info")
	b.until("pressing elsewhere closes", `document.querySelector("#menu").hidden`)
	b.click("#t2 [data-menu]")
	b.click(`#menu [data-do=enable]`)
	b.until("enabled", `document.querySelector("#t2").classList.contains("up")`)
	b.click("#t2 [data-menu]")
	b.click(`#menu [data-do=beat]`)
	b.until("a heartbeat by hand", `document.querySelector("#t2").dataset.v.startsWith("2.")`)
	b.noReload()
	p.send(tokens[1].Value + "/fail")
	b.until("it fires", `document.querySelector("#t2").classList.contains("fail")`)
	b.click("#t2 [data-menu]")
	b.click(`#menu [data-do=beat]`)
	b.until("it asks why", `location.pathname == "/tokens/2" && document.querySelector("#ask-beat").open`)
	b.do(chromedp.Navigate(p.url + "/?q=job"))
	b.click("#t2 [data-menu]")
	b.click(`#menu [data-to="#ask-value"]`)
	b.until("it asks whether", `location.pathname == "/tokens/2" && document.querySelector("#ask-value").open`)
	b.do(chromedp.Navigate(p.url + "/?q=job"))
	b.click("#t2 [data-menu]")
	b.click(`#menu [data-do=remove]`)
	b.until("removed, with the search kept", `location.search.includes("q=job") && document.querySelectorAll("#rows > tr").length == 2 && document.querySelector(".undo").innerText.includes("Removed job 2")`)
	b.do(chromedp.Navigate(p.url + "/?q=is:removed"))
	b.click("#t2 [data-menu]")
	if got := b.eval(items); got != "Bring it back" {
		t.Errorf("of a removed token it has %s", got)
	}
	b.click(`#menu [data-do=undo]`)
	b.until("brought back", `document.body.innerText.includes("Nothing matches")`)
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("all are there", `document.querySelectorAll("#rows > tr").length == 3`)
	b.live()
	b.quiet()
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#t3").id = "t999"; void 0`)) // as if it were gone for good
	b.click("#t999 [data-menu]")
	b.click(`#menu [data-do=disable]`)
	b.until("it says why not", `document.querySelector("#toast").checkVisibility() && document.querySelector("#toast").innerText.includes("no such token")`)
}

// Rows stay where they are, whatever happens to them, and nothing moves.
func TestRowsStay(t *testing.T) {
	b := openBrowser(t)
	p, tokens := b.jobs(4)
	b.do(chromedp.Navigate(p.url + "/"))
	order := `[...document.querySelectorAll("#rows > tr")].map(r => r.id).join()`
	b.until("due soonest first", order+` == "t1,t2,t3,t4"`)
	b.do(chromedp.Evaluate[chromedp.Void](`window.moved = []; new PerformanceObserver(list => moved.push(...list.getEntries().filter(e => !e.sources.every(s => s.node?.parentElement?.closest("#next") || JSON.stringify(s.previousRect) == JSON.stringify(s.currentRect))).map(e => e.value.toFixed(5) + " " + e.sources.map(s => (s.node?.id || s.node?.parentElement?.className || s.node?.nodeName) + ":" + (s.node?.textContent || "").slice(0, 40) + JSON.stringify(s.previousRect) + JSON.stringify(s.currentRect)).join("+")))).observe({type: "layout-shift", buffered: false});
		window.spoken = []; new MutationObserver(() => spoken.push(document.querySelector("#said").textContent)).observe(document.querySelector("#said"), {childList: true}); void 0`))
	b.mark()
	p.send(tokens[2].Value + "/start")
	b.until("running", `document.querySelector("#t3").classList.contains("run")`)
	b.until("counted", `document.querySelector("#resort").innerText == "1 changed · re-sort"`)
	p.send(tokens[3].Value + "/fail")
	b.until("it fires", `document.querySelector("#t4").classList.contains("fail") && document.title == "(1) kae"`)
	b.until("both", `document.querySelector("#resort").innerText == "2 changed · re-sort"`)
	p.beat(tokens[2].Value)
	b.until("up again: it is where it belongs", `document.querySelector("#t3").classList.contains("up") && document.querySelector("#resort").innerText == "1 changed · re-sort"`)
	p.beat(tokens[0].Value)
	b.until("a heartbeat is seen, and is no reason to sort", `document.querySelector("#t1").dataset.v.startsWith("2.") && document.querySelector("#resort").innerText == "1 changed · re-sort"`)
	b.until("they are where they were", order+` == "t1,t2,t3,t4"`)
	if got := b.eval("spoken.join('; ')"); got != "job 4 fires: failed" {
		t.Errorf("said aloud: %q", got)
	}
	if got := b.eval(`moved.join("\n")`); got != "" {
		t.Errorf("the layout has shifted by %s", got)
	}
	b.noReload()
	b.click("#resort")
	b.until("sorted when asked", order+` == "t4,t1,t2,t3" && !document.querySelector("#resort").checkVisibility()`)
	b.quiet()
}

// Without scripts the list is read, filtered, sorted and changed all the same.
func TestTheListWithoutScripts(t *testing.T) {
	b := openBrowser(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	p := launch(t, t.TempDir())
	for i := range 3 {
		p.beat(p.create(fmt.Sprint("job ", i+1), 3600*(i+1)).Value)
	}
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("what only a script can do is not there", `[..."#pick-all,#t1 [data-copy],.keys,[data-theme-switch],.search kbd".split(",")].every(s => !document.querySelector(s).checkVisibility())`)
	b.click(".c-n [href*='sort=name']")
	b.until("sorted by name", `location.search == "?sort=name" && document.querySelector("[aria-sort]").innerText.includes("Name")`)
	b.click(".seg [data-t='8d']")
	b.until("on another axis, in the same order", `location.search == "?sort=name&t=8d" && document.querySelector(".seg [aria-current]").innerText == "8 days"`)
	b.click("#counts a.up")
	b.until("filtered, on the same axis", `location.search == "?q=is:up&t=8d" && document.querySelectorAll("#rows > tr").length == 3`)
	b.until("no bar", `!document.querySelector(".bulk").checkVisibility()`)
	b.click("#t1 .c-x input")
	b.click("#t3 .c-x input")
	b.until("a bar", `document.querySelector(".bulk").checkVisibility()`)
	b.press(kb.Enter)
	b.click(".bulk [value=disable]") // Enter has pressed nothing: both are chosen still
	b.until("disabled", `location.search.includes("q=is%3Aup") && document.querySelector(".undo").innerText.includes("2 tokens disabled") && document.querySelectorAll("#rows > tr").length == 1`)
	b.do(chromedp.Navigate(p.url + "/"))
	b.click("#t2 [data-menu]")
	b.until("the dots lead to what can be done", `location.pathname == "/tokens/2" && location.hash == "#do"`)
	b.do(chromedp.Navigate(p.url + "/"))
	b.click("#t2 .c-x input")
	b.click(".bulk .ask:first-of-type summary")
	b.write("#bulk-tags", "night")
	b.click(".bulk [value=tag]")
	b.until("tagged", `document.querySelector("#t2 .tag")?.innerText == "night"`)
	b.click("#t2 .tag")
	b.until("a tag is a filter", `location.search == "?q=tag:night" && document.querySelectorAll("#rows > tr").length == 1`)
	b.click("#t2 .c-x input")
	b.click(".bulk [value=remove]")
	b.until("removed", `document.body.innerText.includes("1 token removed")`)
	b.click(".undo button")
	b.until("brought back", `document.body.innerText.includes("1 token brought back")`)
	b.quiet()
}

// A phone has cards: the trouble first, the rest counted.
func TestCardsOnAPhone(t *testing.T) {
	b := openBrowser(t)
	p, tokens := b.jobs(4)
	b.do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(p.url+"/"))
	seen := `[...document.querySelectorAll("#rows > tr")].filter(r => r.checkVisibility()).map(r => r.id).join()`
	b.until("all is well", seen+` == "" && document.querySelector("#next").innerText.startsWith("4 tokens on time; next due in ") && document.querySelector("#folds a.up").innerText.includes("4 up")`)
	b.everywhere("list-well")
	b.do(chromedp.EmulateViewport(390, 844))
	b.mark()
	p.send(tokens[1].Value + "/fail")
	b.until("the trouble comes", seen+` == "t2" && document.querySelector("#problems").innerText == "1" && document.querySelector("#folds a.up").innerText.includes("3 up")`)
	b.noReload()
	b.until("it has its last slots and what they were", `document.querySelector("#t2 .ts").checkVisibility() && document.querySelector("#t2 .sum").innerText == "1 of 2 on time" && !document.querySelector("#t2 .tl").checkVisibility()`)
	small := b.eval(`[...document.querySelectorAll("main a, main button, main input, .thumb a, .top a, .top button")].filter(x => x.checkVisibility() && !x.disabled && x.tabIndex >= 0 && !x.closest("p, #next")).filter(x => {
		const r = x.getBoundingClientRect(); return r.height < 43.5 || r.width < 43.5 }).map(x => x.outerHTML.slice(0, 100)).join("\n")`)
	if small != "" {
		t.Errorf("too small for a thumb:\n%s", small)
	}
	b.click(".thumb a:nth-child(2)")
	b.until("all of them", seen+` == "t2,t1,t3,t4" && document.querySelector(".thumb [aria-current]").innerText.includes("All 4")`)
	b.click("#t2 [data-menu]")
	b.until("the menu is inside", `(r => r.left >= 0 && r.right <= innerWidth)(document.querySelector("#menu").getBoundingClientRect())`)
	b.accessible("the menu on a phone")
	b.press(kb.Escape)
	b.click(".thumb a:nth-child(1)")
	b.until("the trouble", seen+` == "t2"`)
	b.click("#folds a.up")
	b.until("what was folded", seen+` == "t1,t3,t4"`)
	b.quiet()
}

// What is chosen is remembered. The page fits from a desk to a small phone; at
// 720 pixels it is a desk's page at 200 %.
func TestTheAxisIsRemembered(t *testing.T) {
	b := openBrowser(t)
	p, _ := pictured(t)
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("a day, because most tokens have slots in it", `document.querySelector(".seg [aria-current]").innerText == "24 h" && document.querySelectorAll("#axis text").length > 2`)
	b.until("each row has a timeline", `[...document.querySelectorAll("#rows .tl")].every(s => s.querySelector("path"))`)
	b.until("a band tells when kae was off", `document.querySelector("#grid .gk")`)
	b.click(".seg [data-t='48d']")
	b.until("48 days", `location.search == "?t=48d" && document.querySelector("main").dataset.t == "48d"`)
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("still", `location.search == "" && document.querySelector("main").dataset.t == "48d"`)
	for _, width := range []int64{1440, 1280, 1024, 900, 860, 720, 512, 390, 320} {
		b.do(chromedp.EmulateViewport(width, 800))
		b.until(fmt.Sprintf("at %d nothing scrolls sideways", width), "document.documentElement.scrollWidth <= innerWidth")
		if cut := b.eval(`[...document.querySelectorAll("#rows .c-n div > a")].filter(a => a.checkVisibility() && a.getBoundingClientRect().width < Math.min(60, a.scrollWidth)).map(a => a.textContent).join("; ")`); cut != "" {
			t.Errorf("at %d names are not seen: %s", width, cut)
		}
	}
	b.quiet()
}

func (p *program) grace(id int64) int64 {
	p.Helper()
	var got struct{ Token struct{ Grace int64 } }
	p.fetch(fmt.Sprintf("/tokens/%d", id), nil, &got)
	return got.Token.Grace
}
