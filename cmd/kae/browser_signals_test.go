package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// write types into a field, over what stands in it.
func (b *tab) write(selector, text string) {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).select(); void 0", selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// signal sends a heartbeat with a body.
func (p *program) signal(path, body string) {
	p.Helper()
	response, err := http.Post(p.url+"/hb/"+path, "text/plain", strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		p.Fatalf("a heartbeat is answered %d", response.StatusCode)
	}
}

// “Every weekday at six in the morning”, from the first key to a failed run.
func TestAJobByTheClockInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	zone := emulation.SetTimezoneOverrideParams{TimezoneID: "America/New_York"}
	if _, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, zone); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(p.url + "/newtoken"))
	b.mark()
	b.write("#name", "Invoices to the archive")
	says := func(field, text string) {
		b.Helper()
		b.until(field+" says "+text, fmt.Sprintf(`document.querySelector("#%s-says").innerText.includes(%q)`, field, text))
	}
	b.write("#interval", "Mon..Fri 26:00")
	says("interval", "In the hour (character 10)")
	b.until("it is not red while one types", `!document.querySelector("#interval").hasAttribute("aria-invalid")`)
	b.write("#interval", "Mon..Fri 06:00")
	says("interval", "Every weekday at 06:00, UTC")
	b.write("#zone", "Europe/Madrid")
	says("interval", "Every weekday at 06:00, Europe/Madrid")
	b.until("five expected times, each with the viewer's clock", `document.querySelectorAll("#preview .fires li").length == 5 &&
		[...document.querySelectorAll("#preview .fires li")].every(li => li.innerText.includes(", 06:00") && /\b(00|01):00 by your clock/.test(li.innerText))`)
	b.until("when it would fire, and why", `/fire at 06:10: a clock time without a grace/.test(document.querySelector("#preview .note").innerText)`)
	b.write("#grace", "later")
	says("grace", "Write the grace")
	b.write("#tags", "finance") // leaving a field that is wrong
	b.until("a field that is wrong when one leaves it is red", `document.querySelector("#grace").getAttribute("aria-invalid") == "true"`)
	b.everywhere("form while it is typed")
	b.write("#grace", "15m")
	b.until("right again", `!document.querySelector("#grace").hasAttribute("aria-invalid") && document.querySelector("#preview .note").innerText.includes("06:15")`)
	b.click("#more > summary")
	b.write("#max_run", "30m")
	b.noReload()
	b.click("main form .pri")
	b.until("it listens", `document.body.innerText.includes("Listening…")`)
	b.until("the schedule in words", `document.querySelector(".lead").innerText.includes("Expected every weekday at 06:00 Europe/Madrid, 15 min grace.")`)
	b.mark()

	value := p.page(1).Token.Value
	p.signal(value+"/start", "")
	b.until("running", `document.querySelector(".pill").innerText == "running" && /Running since today at .*, at most 30 min/.test(document.querySelector(".lead").innerText)`)
	p.signal(value+"/0?d=245", "")
	b.until("its duration", `document.querySelector(".pill").innerText == "up" && document.querySelector("#hb-2 .r").innerText == "4 m 5 s"`)
	p.signal(value+"/2", strings.Repeat("dumping <b>orders</b>\n", 300)+"<script>window.hurt = true</script> No space left on device\n")
	b.until("failed", `document.querySelector(".pill").innerText == "failed" && document.querySelector("#hb-3 .m").innerText == "exit status 2"`)
	b.until("its output, cut at the head", `document.querySelector("#body-3").open && !window.hurt &&
		/are left out\ndumping <b>orders<\/b>\n[^]*No space left on device$/.test(document.querySelector("#body-3 pre").innerText.trim())`)
	b.click("#body-3 summary")
	p.signal(value+"/log?m=cleaning+up", "")
	b.until("what the viewer closed stays closed", `document.querySelector("#hb-4") && !document.querySelector("#body-3").open`)
	b.noReload()
	b.click("#body-3 summary")
	b.everywhere("token with bodies")
	b.quiet()
}

// everywhere looks at the page as it is, in both themes, at a desk and on a
// phone.
func (b *tab) everywhere(name string) {
	b.Helper()
	for _, width := range []int64{390, 1440} {
		for _, theme := range []string{"light", "dark"} {
			b.theme(theme)
			b.do(chromedp.EmulateViewport(width, 900))
			b.accessible(fmt.Sprintf("%s, %d, %s", name, width, theme))
			b.until(name+" does not scroll sideways", "document.documentElement.scrollWidth <= innerWidth")
			b.picture(fmt.Sprintf("%s-%d-%s", strings.ReplaceAll(name, " ", "-"), width, theme))
		}
	}
}

// Without a script the same page works: the preview comes with the answer.
func TestTheFormWithoutScripts(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(p.url+"/newtoken"),
		chromedp.SendKeys(chromedp.CSS("#interval"), "Mon..Fri 06:00"))
	b.click("main form .pri")
	b.until("an error beside the name, and the preview of what was typed", `document.querySelector("#name-says").innerText.includes("Give it a name") &&
		document.querySelector("#interval-says").innerText.includes("Every weekday at 06:00, UTC") && document.querySelectorAll("#preview li").length == 5`)
	b.do(chromedp.SendKeys(chromedp.CSS("#name"), "Plain"))
	b.click("main form .pri")
	b.until("created", `document.querySelector("h1").innerText == "Plain"`)
}
