package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kae/internal/demo"
)

// press sends keys to whatever has the focus.
func (b *tab) press(keys ...string) {
	b.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// focus goes to an element, which a live page may swap at any time.
func (b *tab) focus(selector string) {
	b.Helper()
	b.until("something to go to: "+selector, fmt.Sprintf(`(document.querySelector(%q)?.focus(), document.activeElement.matches(%q))`, selector, selector))
}

// mouse presses or releases its button over an element.
func (b *tab) mouse(what input.DispatchMouseEventType, selector string) {
	b.Helper()
	at := b.eval(fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return (r.left + r.width / 2) + " " + (r.top + r.height / 2) })()`, selector))
	var x, y float64
	if _, err := fmt.Sscan(at, &x, &y); err != nil {
		b.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: what, X: x, Y: y, Button: input.MouseButtonLeft, ClickCount: 1}); err != nil {
		b.Fatal(err)
	}
}

// point moves the mouse over a column of a chart.
func (b *tab) point(chart string, column int) {
	b.Helper()
	at := b.eval(fmt.Sprintf(`(() => { const c = document.querySelector(%q); c.scrollIntoView({block: "center"}); const r = c.getBoundingClientRect();
		return (r.left + r.width * (%d + .5) / 60) + " " + (r.top + r.height / 3) })()`, chart, column))
	var x, y float64
	if _, err := fmt.Sscan(at, &x, &y); err != nil {
		b.Fatal(err)
	}
	b.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y))
}

// lively starts a demo in which things change.
func lively(t testing.TB) (*program, func(name string) string) {
	t.Helper()
	p := prepare(t, t.TempDir(), "demo", "-addr", "127.0.0.1:0").serving()
	scene := demo.New(time.Now())
	return p, func(name string) string {
		t.Helper()
		for _, token := range scene.Tokens {
			if token.Name == name {
				return fmt.Sprintf("/tokens/%d", token.ID)
			}
		}
		t.Fatalf("the demo has no token %q", name)
		return ""
	}
}

func says(text string) string {
	return fmt.Sprintf(`document.querySelector("#slot-said").innerText.includes(%q)`, text)
}

// Each slot speaks in the line below: pointed at in either chart, or walked to
// with the arrow keys. What is chosen stays while the page lives on.
func TestSlotsSpeakInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p, path := lively(t)
	b.do(chromedp.Navigate(p.url + path("Orders database dump")))
	b.until("the newest speaks", says("exit status 1"))
	items := `document.querySelectorAll("#slot-list li")`
	first := b.eval(`"" + document.querySelector("#slot-list").dataset.first`)
	b.until("all are there", items+".length > 40")

	b.point("#slots .chart", 59)
	b.until("the newest speaks still", says("exit status 1"))
	height := b.eval(`"" + document.querySelector("#took").offsetTop`)
	for _, chart := range []string{"#slots .chart", "#took .chart"} {
		for _, column := range []int{40, 29, 50} {
			b.point(chart, column)
			b.until("the one that is pointed at speaks", fmt.Sprintf(`document.querySelector("#slot-said").textContent == %s[%d - %s].textContent`, items, column, first))
			b.until("its column is marked", fmt.Sprintf(`document.querySelector("#slots .cur").getAttribute("transform") == "translate(%d)" &&
				document.querySelector("#took .at").getAttribute("transform") == "translate(%d)"`, column*12, column*12))
		}
	}

	b.focus("#slots-at")
	number := func(n string) string {
		return fmt.Sprintf(`document.querySelector("#slots-at").getAttribute("aria-valuenow") == %s`, n)
	}
	b.press(kb.End)
	b.until("the last", number(items+".length"))
	b.press(kb.ArrowLeft, kb.ArrowLeft, kb.ArrowRight, kb.ArrowLeft)
	b.until("two before", number(items+".length - 2"))
	b.until("as a reader hears it", `document.querySelector("#slots-at").getAttribute("aria-valuetext") == document.querySelector("#slot-said").textContent`)
	b.press(kb.Home, kb.ArrowLeft)
	b.until("the first", number("1"))
	b.until("nothing has moved", fmt.Sprintf(`document.querySelector("#took").offsetTop == %s`, height))

	// A heartbeat swaps both charts under it.
	page := path("Warehouse export to Parquet")
	b.do(chromedp.Navigate(p.url + page))
	b.focus("#slots-at")
	b.press(kb.Home, kb.ArrowRight, kb.ArrowRight, kb.ArrowRight)
	chosen := b.eval(`document.querySelector("#slot-said time").dateTime`)
	b.mark()
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#slots").dataset.old = "yes"; void 0`))
	p.fetch(page+"/heartbeat", url.Values{}, nil)
	b.until("the chart is new", `!document.querySelector("#slots").dataset.old && document.querySelector(".pill").innerText == "up"`)
	b.until("the same slot speaks", fmt.Sprintf(`document.querySelector("#slot-said time").dateTime == %q`, chosen))
	b.until("and has the focus", `document.activeElement.id == "slots-at"`)
	b.press(kb.ArrowRight)
	b.until("so that one goes on", fmt.Sprintf(`document.querySelector("#slot-said time").dateTime > %q`, chosen))
	b.noReload()
	b.quiet()
}

// A phone shows the newest half; the rest is a push away, for both charts.
func TestChartsOnAPhone(t *testing.T) {
	b := openBrowser(t)
	p, path := lively(t)
	b.do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(p.url+path("Orders database dump")))
	visible := func(selector string) string {
		return fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return r.left >= 0 && r.right <= innerWidth })()`, selector)
	}
	b.until("it begins at its newest end", visible("#slots .cur"))
	b.focus("#slots-at")
	b.press(kb.Home)
	b.until("the oldest comes into view", visible("#slots .cur"))
	b.until("the other chart goes along", `Math.abs(document.querySelector("#took .clip").scrollLeft - document.querySelector("#slots-at").scrollLeft) < 2 && document.querySelector("#slots-at").scrollLeft < -100`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#slots").dataset.old = "yes"; dispatchEvent(new Event("online")); void 0`))
	b.until("and does so when all of it comes anew", `!document.querySelector("#slots").dataset.old && document.querySelector("#slots-at").scrollLeft < -100`)
	b.until("nothing scrolls sideways but they", "document.documentElement.scrollWidth <= innerWidth")
	b.until("targets are large enough", `[...document.querySelectorAll("#do .btn, .seg a, .tabs label, .log .quiet a")].every(x => x.getBoundingClientRect().height >= 44)`)
	b.quiet()
}

// The log: filters and stretches that open are links, by pointer and by keys,
// and a live page keeps to them.
func TestTheLogInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p, path := lively(t)
	page := path("Warehouse export to Parquet")
	b.do(chromedp.Navigate(p.url + page))
	stretches := `document.querySelectorAll("#log tr.quiet").length`
	b.until("quiet stretches are one line", stretches+` >= 1 && document.querySelectorAll("#log tr[id^=hb-]").length < 60`)
	rows := b.eval(`"" + document.querySelectorAll("#log tr[id^=hb-]").length`)
	b.click("#log tr.quiet a")
	b.until("it is open", fmt.Sprintf(`document.querySelectorAll("#log tr[id^=hb-]").length > %s && location.search.startsWith("?open=")`, rows))
	opened := b.eval(`"" + document.querySelectorAll("#log tr[id^=hb-]").length`)
	b.mark()
	p.fetch(page+"/heartbeat", url.Values{}, nil)
	b.until("what is new stands above", `document.querySelector("#log tr[id^=hb-] .m").innerText.includes("sent by hand")`)
	b.until("it is open still", fmt.Sprintf(`document.querySelectorAll("#log tr[id^=hb-]").length > %s`, opened))
	b.noReload()
	b.click("#log tr.quiet a")
	b.until("it is closed", `location.search == "" && document.querySelectorAll("#log tr[id^=hb-]").length < `+opened)

	// By keys: the last of the filters.
	b.focus(".seg a:last-child")
	b.press(kb.Enter)
	b.until("only flips", `location.search == "?show=flips" && document.querySelectorAll("#log tr.flip").length > 4 && !document.querySelector("#log tr[id^=hb-]")`)
	b.mark()
	flips := b.eval(`"" + document.querySelectorAll("#log tr.flip").length`)
	p.fetch(page+"/heartbeat", url.Values{}, nil)
	p.fetch(page+"/disable", url.Values{}, nil)
	b.until("a flip more, and no heartbeat", fmt.Sprintf(`document.querySelectorAll("#log tr.flip").length == %s + 1 && !document.querySelector("#log tr[id^=hb-]")`, flips))
	b.noReload()
	b.click(".seg a:nth-child(2)")
	b.until("only heartbeats", `location.search == "?show=beats" && document.querySelector("#log tr[id^=hb-]") && !document.querySelector("#log tr.flip")`)
	b.quiet()
}

// A heartbeat by hand: at once where all is well; a token that fires asks why.
func TestAHeartbeatByHandInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	token := p.create("Boiler pressure", 3600)
	b.do(chromedp.Navigate(p.url + "/tokens/1"))
	b.until("it is not the button to press first", `document.querySelector("#do .beat-it .btn") && !document.querySelector("#do .beat-it .pri")`)
	b.click("#do .beat-it button")
	b.until("it was heard", `document.querySelector(".pill").innerText == "up" && document.querySelector("#log").innerText.includes("sent by hand from the console")`)

	p.signal(token.Value+"/fail", "no water")
	b.until("it fires, and would ask", `document.querySelector(".pill").innerText == "failed" && document.querySelector("#ask-beat")`)
	b.mark()
	b.focus("#ask-beat summary")
	b.press(kb.Enter, kb.Tab)
	b.until("the reason has the focus", `document.activeElement.id == "why"`)
	b.press("Refilled")
	// While one types, the page lives on.
	p.signal(token.Value+"/log?m=still+dry", "")
	b.until("the page shows what came", `document.querySelector("#log").innerText.includes("still dry")`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#do").dataset.old = "yes"; dispatchEvent(new Event("online")); void 0`))
	b.until("even all of it anew", `!document.querySelector("#do").dataset.old`)
	b.until("what is typed stays, and the focus", `document.querySelector("#why").value == "Refilled" && document.activeElement.id == "why" && document.querySelector("#ask-beat").open`)
	b.noReload()
	b.accessible("the question")
	b.press(" by hand", kb.Enter)
	b.until("it is up again, and the log says why", `document.querySelector(".pill").innerText == "up" && document.querySelector("#log").innerText.includes("sent by hand from the console: Refilled by hand")`)
	b.quiet()
}

// Without a script one reads all of it, opens what is folded, filters, and
// sends a heartbeat with its reason.
func TestATokenWithoutScripts(t *testing.T) {
	b := openBrowser(t)
	p, path := lively(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(p.url+path("Orders database dump")))
	b.until("there is no script", `!document.documentElement.classList.contains("js")`)
	text := b.eval("document.body.innerText")
	for _, want := range []string{"Failed ", "exit status 1", " expected", " on time. Failed ", "How long it took", "How it did", "7 days", "runs, all on time"} {
		if !strings.Contains(text, want) {
			t.Errorf("one does not read %q", want)
		}
	}
	b.until("the charts begin at their newest end", `(() => { const r = document.querySelector("#slots .cur").getBoundingClientRect(); return r.left > 0 && r.right <= innerWidth })()`)
	rows := b.eval(`"" + document.querySelectorAll("#log tr[id^=hb-]").length`)
	b.click("#log tr.quiet a")
	b.until("a stretch is open", fmt.Sprintf(`document.querySelectorAll("#log tr[id^=hb-]").length > %s`, rows))
	b.click(".seg a:last-child")
	b.until("only flips", `document.querySelector("#log tr.flip") && !document.querySelector("#log tr[id^=hb-]")`)
	b.click("#ask-beat summary")
	b.do(chromedp.SendKeys(chromedp.CSS("#why"), "Dumped by hand"))
	b.click("#ask-beat form button")
	b.until("it is up again", `document.querySelector(".pill").innerText == "up" && document.body.innerText.includes("sent by hand from the console: Dumped by hand")`)
}

// On a small laptop, or enlarged, nothing runs out of the page.
func TestPagesFit(t *testing.T) {
	fit(t, openBrowser(t), 1024, 720, 320) // 1440 and 640 at 200 %
}

// With text of twice the size all grows with it, and nothing runs out of the page.
func TestPagesFitWithLargeText(t *testing.T) {
	profile := t.TempDir()
	if err := os.Mkdir(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(`{"webkit":{"webprefs":{"default_font_size":32}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openBrowserOf(t, profile)
	fit(t, b, 1440, 1024, 640)
	if got := b.eval(`getComputedStyle(document.body).fontSize + " " + getComputedStyle(document.querySelector(".btn, .in")).height`); got != "30px 88px" {
		t.Errorf("text and controls of twice the size: %s", got)
	}
}

func fit(t *testing.T, b *tab, widths ...int64) {
	t.Helper()
	p, path := pictured(t)
	fits := func(name, url string) {
		for _, width := range widths {
			b.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(url))
			b.until(fmt.Sprintf("%s fits into %d", name, width), "document.documentElement.scrollWidth <= innerWidth")
		}
	}
	for _, name := range []string{"Orders database dump", "Warehouse export to Parquet", "Soil sensors, greenhouse 2", "Tape library inventory", "Legacy FTP pickup", "Toner report, 3rd floor"} {
		fits(name, p.url+path(name))
	}
	p = launch(t, t.TempDir())
	var long token
	p.fetch("/newtoken", url.Values{"name": {"Word" + strings.Repeat("word", 40)}, "interval": {"1h"}, "tags": {"the first of rather many tags which do not fit into one line"}}, &long)
	channel := fmt.Sprintf("/channels/%d", p.channel("Channel"+strings.Repeat("channel", 13), "http://127.0.0.1:1/"+strings.Repeat("path", 40)))
	p.send(long.Value + "/fail") // what can't be delivered stands on its channel's page
	path = func(of string) string { return fmt.Sprintf("/tokens/%d%s", long.ID, of) }
	fits("a page that asks", p.url+path("/acknowledge"))
	p.fetch(path("/acknowledge"), url.Values{"by": {strings.Repeat("Ana", 33)}, "why": {strings.Repeat("because", 42)}}, nil)
	p.fetch(path("/snooze"), url.Values{"until": {"3d"}}, nil)
	for _, page := range []string{path(""), path("/acknowledge"), "/", "/?q=", "/strays", "/newtoken", "/channels", channel, channel + "/edit", "/channels/new", "/channels/new?kind=email"} {
		fits(page, p.url+page)
	}
	b.quiet()
}

// What comes between press and release does not swallow the click.
func TestAPressIsNotSwallowed(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	token := p.create("job", 3600)
	p.send(token.Value + "/fail")
	b.do(chromedp.Navigate(fmt.Sprintf("%s/tokens/%d", p.url, token.ID)))
	b.until("live", `document.querySelector(".live").checkVisibility() && document.querySelector("#last time")`)
	const button = "#do form[action$=disable] button"
	b.do(chromedp.Evaluate[chromedp.Void](`window.last = document.querySelector("#last time").dateTime; window.pressed = document.querySelector("` + button + `"); void 0`))
	b.mouse(input.DispatchMouseEventTypeMousePressed, button)
	p.beat(token.Value) // with it all buttons come anew
	b.until("the news is there", `document.querySelector("#last time").dateTime != window.last`)
	b.until("the button still is", `window.pressed.isConnected`)
	b.mouse(input.DispatchMouseEventTypeMouseReleased, button)
	b.until("disabled", `document.querySelector(".pill").innerText == "disabled"`)
}
