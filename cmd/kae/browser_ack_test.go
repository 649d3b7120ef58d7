package main

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// reachable starts a kae that knows its own URL, which its messages lead to.
func reachable(t *testing.T) *program {
	t.Helper()
	dir := t.TempDir()
	p := launch(t, dir)
	p.stop()
	again := prepare(t, dir, "-addr", strings.TrimPrefix(p.url, "http://"), "-url", p.url)
	again.begin()
	eventually(t, 20*time.Second, func() error { return again.stdout.contains("kae is at " + p.url) })
	again.url = p.url
	return again
}

// link gives where the newest message leads.
func (e *ear) link(t *testing.T) string {
	t.Helper()
	var last string
	eventually(t, 20*time.Second, func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, m := range regexp.MustCompile(`"acknowledge_url":"([^"]+)"`).FindAllStringSubmatch(e.raw.String(), -1) {
			last = m[1]
		}
		if last == "" {
			return fmt.Errorf("no message has a link: %s", e.raw.String())
		}
		return nil
	})
	return last
}

// A firing is acknowledged from the list: the page asks, the row and the
// token's page tell who looks after it, and everything is live.
func TestAcknowledgingInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p, tokens := b.jobs(3)
	p.send(tokens[0].Value + "/fail")
	b.until("it fires", `document.querySelector("#t1").classList.contains("fail")`)
	b.click("#t2 [data-menu]")
	b.until("what is up is snoozed only", `!document.querySelector("#menu [data-firing]").checkVisibility() && document.querySelector("#menu").innerText.includes("Snooze…")`)
	b.press(kb.Escape)
	b.click("#t1 [data-menu]")
	b.until("what fires is acknowledged first of all", `document.activeElement.innerText.includes("Acknowledge…")`)
	b.picture("menu-firing-1440-light")
	b.down("Enter", "Enter", 13)
	b.until("it asks", `location.pathname == "/tokens/1/acknowledge" && document.querySelector("#by")`)
	b.everywhere("acknowledge")
	b.quiet()
	b.do(chromedp.SendKeys(chromedp.CSS("#why"), "on it"))
	b.click("#acknowledge .pri")
	b.until("what is missing stands beside its field", `document.querySelector("#by-says")?.innerText.includes("Say who looks after it") && document.activeElement.id == "by" && document.querySelector("#why").value == "on it"`)
	b.said("422")
	b.everywhere("acknowledge wrong")
	b.write("#by", "Ana")
	b.press(kb.Enter)
	b.until("the token's page tells who", `location.pathname == "/tokens/1" && document.querySelector(".lead").innerText.includes("Ana looks after it since") && document.querySelector(".lead").innerText.includes(": on it.")`)
	b.until("so does its log", `document.querySelector("#log .ack").innerText.includes("acknowledged") && document.querySelector("#log .ack .m").innerText == "Ana: on it"`)
	b.everywhere("token acknowledged")
	b.mark()
	p.fetch("/tokens/1/takeback", url.Values{}, nil)
	b.until("it is taken back, live", `!document.querySelector(".lead").innerText.includes("Ana") && document.querySelector("#log .ack .m").innerText == "Ana looks after it no more." && document.querySelector("#do a.pri").innerText == "Acknowledge"`)
	b.noReload()

	b.do(chromedp.Navigate(p.url + "/"))
	b.live()
	b.mark()
	p.fetch("/tokens/1/acknowledge", url.Values{"by": {"Ana"}, "why": {"on it"}}, nil)
	b.until("the row tells who", `document.querySelector("#t1 .who")?.innerText.replace(/\s+/g, " ") == "acknowledged by Ana" && document.querySelector("#t1 .who").title == "Acknowledged by Ana: on it"`)
	p.fetch("/tokens/1/snooze", url.Values{"until": {"3d"}}, nil)
	p.fetch("/tokens/2/snooze", url.Values{"until": {"1h"}}, nil)
	b.until("and until when it is snoozed", `document.querySelector("#t1 .who ~ .who")?.innerText.includes("snoozed until") && /until\s*\d\d:\d\d$/.test(document.querySelector("#t2 .who")?.innerText)`)
	b.noReload()
	b.everywhere("list acknowledged")
	b.do(chromedp.EmulateViewport(1440, 900))
	p.fetch("/tokens/1/takeback", url.Values{}, nil)
	b.until("the one word goes, the other stays", `document.querySelectorAll("#t1 .who").length == 1 && document.querySelector("#t1 .who").innerText.includes("snoozed until")`)
	b.noReload()

	b.press("j", "a")
	b.until("a key leads there, too", `location.pathname == "/tokens/1/acknowledge"`)

	b.do(chromedp.Navigate(p.url + "/?sort=name"))
	b.live()
	b.click("#t1 .c-x input")
	b.click("#t2 .c-x input")
	b.click(".bulk .ask:has(#bulk-by) summary")
	b.until("its first field has the focus", `document.activeElement.id == "bulk-by"`)
	b.everywhere("list acknowledge many")
	b.do(chromedp.EmulateViewport(1440, 900))
	b.write("#bulk-by", "Ben")
	b.write("#bulk-why", "both")
	b.press(kb.Enter)
	b.until("those that fire are acknowledged", `document.querySelector(".undo")?.innerText.includes("1 token acknowledged by Ben; 1 does not fire.") && document.querySelector("#t1 .who").title == "Acknowledged by Ben: both"`)
	b.click("#t1 .c-x input")
	b.click("#t3 .c-x input")
	b.click(".bulk .ask:has(#bulk-until) summary")
	b.write("#bulk-until", "0")
	b.press(kb.Enter)
	b.until("a snooze of one has ended", `document.querySelector(".undo")?.innerText.includes("1 token no longer snoozed; 1 was so already.") && document.querySelectorAll("#t1 .who").length == 1`)
	b.quiet()
}

// Who follows the link of a message is asked before anything happens.
func TestTheLinkOfAMessageInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p, e := reachable(t), listenForAlerts(t)
	p.channel("ops", e.URL)
	job := p.create("Nightly backup", 3600)
	p.beat(job.Value)
	p.send(job.Value + "/fail?m=disk+full")
	b.do(chromedp.Navigate(e.link(t)))
	b.until("it leads to the page that asks", `location.pathname == "/tokens/1/acknowledge" && document.querySelector(".lead").innerText.includes("disk full") && document.querySelector("#acknowledge").innerText.includes("It fires since")`)
	if flips := p.page(job.ID).Flips; len(flips) != 2 {
		t.Errorf("following it changed something: %+v", flips)
	}

	// Meanwhile it recovers, and fires anew.
	p.beat(job.Value)
	p.send(job.Value + "/fail")
	b.write("#by", "Ana")
	b.click("#acknowledge .pri")
	b.until("an old page acknowledges no newer firing", `document.querySelector("[role=alert]")?.innerText.includes("another one has begun since") && document.querySelector("#by").value == "Ana"`)
	b.said("409")
	b.everywhere("acknowledge conflict")
	b.click("#acknowledge .pri")
	b.until("but what stands there now it does", `location.pathname == "/tokens/1" && document.querySelector(".lead").innerText.includes("Ana looks after it")`)
	b.click(`#do a[href$="/acknowledge"]`)
	b.until("it says who does", `document.querySelector("#acknowledge").innerText.includes("Ana looks after it since") && !document.querySelector("#by")`)
	b.everywhere("acknowledged")
	b.click("#acknowledge button")
	b.until("it is taken back", `location.pathname == "/tokens/1" && !document.querySelector(".lead").innerText.includes("Ana")`)

	b.click(`#do a[href$="#snooze"]`)
	b.click(`.naps button[value="4h"]`)
	b.until("it is snoozed", `location.pathname == "/tokens/1" && document.querySelector(".lead").innerText.includes("Snoozed until")`)
	b.everywhere("token snoozed")
	b.click(`#do a[href$="#snooze"]`)
	b.until("until when", `document.querySelector("#snooze").innerText.includes("Snoozed until")`)
	b.write("#until", "soon")
	b.press(kb.Enter)
	b.until("what is wrong stands beside its field", `document.querySelector("#until-says")?.innerText.includes("Write a length of time") && document.querySelector("#until").value == "soon" && document.activeElement.id == "until"`)
	b.said("422")
	b.everywhere("snooze wrong")
	b.click("#snooze form button")
	b.until("the snooze has ended", `location.pathname == "/tokens/1" && !document.querySelector(".lead").innerText.includes("Snoozed")`)
	p.beat(job.Value)
	b.do(chromedp.Navigate(p.url + "/tokens/1/acknowledge"))
	b.until("one that is up is snoozed only", `document.querySelector("#acknowledge").innerText.includes("nothing to acknowledge") && !document.querySelector("#by")`)
	b.everywhere("acknowledge nothing")
	b.write("#until", "3d")
	b.press(kb.Enter)
	b.until("for days", `location.pathname == "/tokens/1" && document.querySelector(".lead").innerText.includes("Snoozed until")`)
	b.quiet()
}

// All of it works without scripts.
func TestAcknowledgingWithoutScripts(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	job := p.create("Nightly backup", 3600)
	p.send(job.Value + "/fail")
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(p.url + "/"))
	b.click("#t1 [data-menu]")
	b.click(`#do a.pri[href$="/acknowledge"]`)
	b.do(chromedp.SendKeys(chromedp.CSS("#by"), "Ana"))
	b.click("#acknowledge .pri")
	b.until("acknowledged", `location.pathname == "/tokens/1" && document.body.innerText.includes("Ana looks after it")`)
	b.click(`#do a[href$="#snooze"]`)
	b.click(`.naps button[value="1h"]`)
	b.until("snoozed", `location.pathname == "/tokens/1" && document.body.innerText.includes("Snoozed until")`)
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("the list tells of both", `document.querySelectorAll("#t1 .who").length == 2`)
	b.quiet()
}
