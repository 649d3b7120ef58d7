package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A channel is made, tested, seen to fail, mended and removed by whoever looks
// at the console.
func TestChannelsInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	e := listenForAlerts(t)
	refuses := httptest.NewServer(http.NotFoundHandler())
	defer refuses.Close()

	job := p.create("Nightly backup", 3600)
	p.beat(job.Value)
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("it is said that alerts go nowhere", `document.querySelector("#nowhere").innerText.includes("Alerts go nowhere yet")`)
	b.click("#nowhere a")
	b.until("nothing there yet", `document.querySelector(".first")`)
	b.everywhere("channels, none")
	b.click(".first a.btn")
	b.until("a choice of kinds", `document.querySelectorAll(".kinds a").length >= 7`)
	b.everywhere("kinds of channels")
	b.click(`.kinds a[href$="kind=webhook"]`)
	b.until("its form", `document.querySelector("#url")`)
	b.write("#name", "pager")
	b.write("#url", "nonsense")
	b.click("form .pri")
	b.until("what is wrong stands beside the field, and the name stays", `document.querySelector("[aria-invalid=true]")?.id == "url" && document.querySelector("#name").value == "pager"`)
	b.said("422")
	b.everywhere("a channel's form")
	b.write("#url", refuses.URL+"/secret")
	b.click("form .pri")
	b.until("the channel is there, and its secret is not", `document.body.innerText.includes("not used yet") && !document.body.innerText.includes("/secret")`)

	b.click(`form[action$="/test"] button`)
	b.until("the test shows the answer", `[...document.querySelectorAll(".note")].some(n => n.innerText.includes("404"))`)
	p.send(job.Value + "/fail")
	b.comes(p.url+"/channels/1", `document.querySelector(".pill").innerText.includes("given up")`)
	b.everywhere("a channel that fails")
	b.do(chromedp.Navigate(p.url + "/channels"))
	b.everywhere("channels")

	b.click(`a[aria-label="Edit pager"]`)
	b.until("the secret is not shown", `document.querySelector("#url").value == ""`)
	b.write("#url", e.URL)
	b.click("form .pri")
	b.until("it is saved", `location.pathname == "/channels/1"`)
	p.beat(job.Value) // its end is told where the firing was to be told
	b.comes(p.url+"/channels/1", `document.querySelector(".pill").innerText.includes("delivers")`)
	b.do(chromedp.Navigate(fmt.Sprintf("%s/tokens/%d", p.url, job.ID)))
	b.until("the token's page tells", `document.querySelector(".sent")?.innerText.includes("pager")`)
	b.everywhere("a token whose alerts went out")
	b.do(chromedp.Navigate(p.url + "/channels/1"))
	b.click("#ask-remove summary")
	b.click("#ask-remove form button")
	b.until("it is gone", `document.querySelector(".first") && location.pathname == "/channels"`)
	b.quiet()
}

// comes loads a page again and again until it shows something.
func (b *tab) comes(url, expression string) {
	b.Helper()
	eventually(b, 30*time.Second, func() error {
		b.do(chromedp.Navigate(url))
		if b.eval("String(!!("+expression+"))") != "true" {
			return fmt.Errorf("not yet: %s", expression)
		}
		return nil
	})
}

// said checks that the browser complained, in words such as these, and forgets
// that it did.
func (b *tab) said(words string) {
	b.Helper()
	eventually(b, 5*time.Second, func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		i := slices.IndexFunc(b.messages, func(m string) bool { return strings.Contains(m, words) })
		if i < 0 {
			return fmt.Errorf("the browser's console does not say %s", words)
		}
		b.messages = slices.Delete(b.messages, i, i+1)
		return nil
	})
}
