package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// Whoever looks at the console says who is told what: one channel at once,
// another one if it still fires after 15 minutes and again every 4 hours, and
// nothing in the night but what is critical.
func TestAPolicyInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	e := listenForAlerts(t)
	job := p.create("Nightly backup", 3600)
	p.beat(job.Value)
	p.channel("#ops", e.URL)
	p.channel("ops mail", e.URL)

	b.do(chromedp.Navigate(p.url + "/channels"))
	b.until("a new channel hears of everything", `document.querySelectorAll(".rule [type=checkbox]:checked").length == 2`)
	b.until("what is not asked for is not seen", `document.querySelector("[name='rules.0.tags']").offsetParent == null`)
	b.click(".rule label:nth-of-type(2) input")
	b.click("[name=add]")
	b.until("a sentence more, which is not saved", `document.querySelector("[name='rules.1.which']") && document.querySelector("#policy").innerText.includes("not saved yet")`)
	b.until("the sentence that was changed is as it was left", `document.querySelectorAll("[name='rules.0.channels']:checked").length == 1`)
	b.choose("rules.1.which", "tags")
	b.until("now tags are asked for", `document.querySelector("[name='rules.1.tags']").offsetParent != null`)
	b.choose("rules.1.after", "15m")
	b.choose("rules.1.every", "4h")
	b.choose("quiet", "yes")
	b.choose("except.which", "tags")
	b.write("[name='except.tags']", "critical")
	b.click("#policy .pri")
	b.until("what is wrong stands in its sentence", `[...document.querySelectorAll("#policy .says.bad")].length == 2 && document.querySelector("[name='except.tags']").value == "critical"`)
	b.said("422")
	b.everywhere("a policy with mistakes")
	b.choose("rules.1.which", "any")
	b.click("[name='rules.1.channels'][value='2']")
	b.click("#policy .pri")
	b.until("it is saved", `location.pathname == "/channels" && document.body.innerText.includes("The policy is saved")`)
	b.everywhere("a policy")
	b.until("what would happen", `document.querySelector("#would").innerText.includes("again every 4 h")`)

	p.send(job.Value + "/fail")
	b.comes(fmt.Sprintf("%s/tokens/%d", p.url, job.ID), `document.querySelector(".sent")?.innerText.includes("If it still fires then")`)
	b.everywhere("a token with alerts to come")
	b.do(chromedp.Navigate(p.url + "/channels"))
	b.click(".rule:nth-of-type(2) .drop")
	b.until("a sentence less", `!document.querySelector("[name='rules.1.which']")`)
	b.click("#policy .pri")
	b.until("a channel that hears nothing is told of", `document.querySelector("#policy").innerText.includes("it hears nothing")`)
	b.quiet()
}

// choose takes an option of a menu.
func (b *tab) choose(name, value string) {
	b.Helper()
	b.until("there is "+name, fmt.Sprintf(`document.querySelector("[name='%s'] option[value='%s']")`, name, value))
	b.eval(fmt.Sprintf(`(() => { const menu = document.querySelector("[name='%s']"); menu.value = "%s"; menu.dispatchEvent(new Event("change", { bubbles: true })); return menu.value; })()`, name, value))
}
