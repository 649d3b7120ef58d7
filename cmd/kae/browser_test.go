package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "a folder to write pictures of every page to")

//go:embed testdata/axe/axe.min.js
var axe string

// tab is a page in a real Chromium.
type tab struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	messages []string // errors that the browser wrote to its console
}

// openBrowser starts Chromium. Without one the test is skipped, but not in CI.
func openBrowser(t testing.TB) *tab {
	t.Helper()
	return openBrowserOf(t, t.TempDir())
}

// openBrowserOf opens one with the preferences that are in a directory.
func openBrowserOf(t testing.TB, profile string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no chromium")
		}
		t.Skip("there is no chromium")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.DisableGPU, chromedp.NoSandbox, chromedp.NoFirstRun,
		chromedp.UserDataDir(profile), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	b := &tab{TB: t, ctx: ctx}
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			// Who leaves a page at once breaks off the loading of its icon.
			if strings.Contains(m.String(), "icon from the Manifest") && strings.Contains(m.String(), "Download error") {
				continue
			}
			if m.IsException() || m.Type == "error" || m.Type == "warning" {
				b.mu.Lock()
				b.messages = append(b.messages, m.String()+" "+m.URL)
				b.mu.Unlock()
			}
		}
	}()
	b.do(chromedp.EmulateViewport(1440, 900))
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// until waits for a JavaScript expression to be true.
func (b *tab) until(what, expression string) {
	b.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		var ok bool
		if ok, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf("!!(%s)", expression))); ok {
			return
		}
		if b.ctx.Err() != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.title + '\\n' + document.body.innerText"))
	b.Fatalf("never: %s (%s; %v)\n%s", what, expression, err, text)
}

func (b *tab) eval(expression string) string {
	b.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return s
}

// click presses what people would press, once it is there.
func (b *tab) click(selector string) {
	b.Helper()
	b.until("something to press: "+selector, fmt.Sprintf("document.querySelector(%q)?.checkVisibility()", selector))
	// A live page may swap the element between looking for it and pressing it.
	eventually(b, 10*time.Second, func() error { return chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(selector))) })
}

// mark is lost when the page is loaded anew.
func (b *tab) mark() { b.do(chromedp.Evaluate[chromedp.Void]("void (window.seen = true)")) }

func (b *tab) noReload() {
	b.Helper()
	b.until("the page was not loaded anew", "window.seen === true")
}

func (b *tab) theme(name string) {
	b.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// quiet checks that the browser had nothing to complain about.
func (b *tab) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.messages {
		b.Errorf("the browser's console says: %s", m)
	}
	b.messages = nil
}

// accessible runs axe-core over the page.
func (b *tab) accessible(page string) {
	b.Helper()
	if b.eval("typeof window.axe") != "object" {
		b.do(chromedp.Evaluate[chromedp.Void](axe + "; void 0"))
	}
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(
		r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.html).slice(0, 3).join(" | "))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(err)
	}
	var violations []string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		b.Fatal(err)
	}
	for _, v := range violations {
		b.Errorf("%s: axe finds %s", page, v)
	}
}

func (b *tab) picture(name string) {
	b.Helper()
	if *screenshots == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
		b.Fatal(err)
	}
}

// The main job, as a person does it.
func TestInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("the form is the page", `document.querySelector("h1").innerText.includes("Keep an eye")`)
	b.do(chromedp.SendKeys(chromedp.CSS("#name"), "Greenhouse <b>lamp</b>"), chromedp.SendKeys(chromedp.CSS("#interval"), "3"))
	b.click("main form .pri")
	b.until("it listens", `document.body.innerText.includes("Listening…")`)
	b.mark()
	token := p.page(1).Token
	if token.Name != "Greenhouse <b>lamp</b>" {
		t.Errorf("the name is %q", token.Name)
	}
	p.beat(token.Value)
	b.until("it has heard", `document.querySelector("#hear").innerText.includes("First heartbeat") && document.querySelector(".pill").innerText == "up"`)
	b.until("the log shows it", `document.querySelectorAll("#log tr[id^=hb-]").length == 1`)
	b.noReload()

	b.do(chromedp.Navigate(p.url + "/tokens/1/edit"))
	b.do(chromedp.SetValue(chromedp.CSS("#grace"), "3s"))
	b.click("main form .pri")
	b.until("the grace is kept", `document.querySelector("#side").innerText.includes("3 s")`)

	b.do(chromedp.Navigate(p.url + "/"))
	p.beat(token.Value)
	b.until("up", `document.querySelector("#t1").className == "up" || document.querySelector("#t1").classList.contains("up")`)
	b.mark()
	b.until("late", `document.querySelector("#t1").classList.contains("late")`)
	b.until("fires", `document.querySelector("#t1").classList.contains("fire") && document.title == "(1) kae"`)
	b.until("it is announced", `document.querySelector("[aria-live]#said").textContent.includes("fires")`)
	b.until("counted", `document.querySelector("#counts a.fire b").innerText == "1"`)
	p.beat(token.Value)
	b.until("up again", `document.querySelector("#t1").classList.contains("up") && document.title == "kae"`)
	b.noReload()

	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: p.url,
		}); err != nil {
			t.Fatal(err)
		}
	}
	b.click("#t1 [data-copy]")
	b.until("it says that it copied", `document.querySelector("#t1 [data-copied=Copied]") || document.querySelector("#said").textContent == "Copied"`)
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("navigator.clipboard.readText()", chromedp.EvalAwaitPromise))
	if err != nil || got != p.url+"/hb/"+token.Value {
		t.Errorf("the clipboard has %q, %v", got, err)
	}
	copyWithoutClipboard(b)

	// From here on nothing happens to it by itself.
	p.fetch("/tokens/1", url.Values{"name": {token.Name}, "interval": {"1h"}}, nil)
	p.beat(token.Value)
	b.click("#t1 .c-n a")
	b.click("#do form[action$=disable] button")
	b.until("disabled", `document.querySelector(".pill").innerText == "disabled"`)
	b.click("#do form[action$=enable] button")
	b.until("enabled", `document.querySelector(".pill").innerText == "up"`)
	b.click("#ask-remove summary")
	b.click("#ask-remove form button")
	b.until("removed", `document.querySelector(".undo").innerText.includes("Removed Greenhouse <b>lamp</b>")`)
	if status := p.send(token.Value); status != http.StatusNotFound {
		t.Errorf("a heartbeat for the removed token is answered %d", status)
	}
	b.click(".undo button")
	b.until("brought back", `document.querySelector("#t1.up, .pill.up")`)
	b.do(chromedp.Navigate(p.url + "/tokens/1"))
	b.click("#ask-value summary")
	b.click("#ask-value form button")
	b.until("a new value", fmt.Sprintf(`!document.documentElement.innerHTML.includes(%q)`, token.Value))
	if status := p.send(token.Value); status != http.StatusNotFound {
		t.Errorf("a heartbeat with the old value is answered %d", status)
	}
	p.beat(p.page(1).Token.Value)
	b.quiet()
}

// copyWithoutClipboard takes the clipboard away, as plain http does.
func copyWithoutClipboard(b *tab) {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("[data-copied]").forEach(x => delete x.dataset.copied);
		Object.defineProperty(navigator, "clipboard", {value: undefined, configurable: true});
		document.addEventListener("copy", () => { window.copied = document.activeElement.value }); void 0`))
	b.click("#t1 [data-copy]")
	b.until("copied without the clipboard", `window.copied?.includes("/hb/") && document.querySelector("#t1 [data-copied=Copied]")`)
}

// A page whose kae is gone says so, and is right again afterwards.
func TestTheBrowserReconnects(t *testing.T) {
	b := openBrowser(t)
	dir := t.TempDir()
	p := launch(t, dir)
	token := p.create("steady", 3600)
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("connected", `document.querySelector("#last") && !document.body.classList.contains("stale")`)
	b.mark()
	p.kill()
	b.until("it says that the connection is lost", `document.body.classList.contains("stale") && document.querySelector("#stale").checkVisibility()`)
	b.picture("stale-1440-light")
	again := launch(t, dir, "-addr", strings.TrimPrefix(p.url, "http://"))
	again.beat(token.Value)
	b.until("it is right again", `!document.body.classList.contains("stale") && document.querySelector("#t1").classList.contains("up")`)
	b.noReload()
}

// Every page, in both themes, at a desk and on a phone.
func TestPagesAreAccessible(t *testing.T) {
	b := openBrowser(t)
	empty := launch(t, t.TempDir())
	p, id := pictured(t)

	pages := []struct{ name, url string }{
		{"empty", empty.url + "/"},
		{"list", p.url + "/"},
		{"failed", p.url + id("Orders database dump")},
		{"up", p.url + id("Postgres WAL archive")},
		{"unknown", p.url + id("Tape library inventory")},
		{"fresh", p.url + id("Toner report, 3rd floor")},
		{"bodies", p.url + id("Offsite restic prune")},
		{"overran", p.url + id("Warehouse export to Parquet")},
		{"running", p.url + id("Catalogue crawl")},
		{"misses", p.url + id("Weather feed")},
		{"arrived-late", p.url + id("etcd snapshot")},
		{"form", p.url + "/newtoken"},
		{"edit", p.url + id("Orders database dump") + "/edit"},
		{"removed", p.url + strings.Replace(id("Christmas lights timer"), "/tokens/", "/?removed=", 1)},
		{"gone", p.url + id("Christmas lights timer")},
		{"strays", p.url + "/strays"},
		{"nothing", p.url + "/?q=is:lost"},
		{"missing", p.url + "/tokens/999"},
	}
	for _, page := range pages {
		for _, width := range []int64{1440, 390} {
			for _, theme := range []string{"light", "dark"} {
				name := fmt.Sprintf("%s-%d-%s", page.name, width, theme)
				b.theme(theme)
				b.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(page.url))
				b.accessible(name)
				b.until(name+" does not scroll sideways", "document.documentElement.scrollWidth <= innerWidth")
				b.picture(name)
			}
		}
	}
	b.wrongInput(p)
}

// wrongInput posts a form that is wrong everywhere, as a browser would that
// does not check it first.
func (b *tab) wrongInput(p *program) {
	b.Helper()
	b.theme("light")
	for _, width := range []int64{1440, 390} {
		b.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(p.url+"/newtoken"))
		b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("main form").noValidate = true; void 0`))
		b.do(chromedp.SendKeys(chromedp.CSS("#interval"), "soon"), chromedp.SendKeys(chromedp.CSS("#grace"), "15 mins and a bit"),
			chromedp.SendKeys(chromedp.CSS("#description"), "stays"))
		b.until("the preview has said what is wrong", `["interval", "grace"].every(f => document.getElementById(f).getAttribute("aria-invalid") == "true")`)
		b.click("main form .pri")
		b.until("each error stands beside its field", `["name", "interval", "grace"].every(f => {
			const input = document.getElementById(f), hint = input.getAttribute("aria-describedby").split(" ").map(id => document.getElementById(id).innerText).join("");
			return input.getAttribute("aria-invalid") == "true" && hint.length > 20 })`)
		b.until("what was typed stays", `document.querySelector("#interval").value == "soon" && document.querySelector("#description").value == "stays"`)
		b.accessible("form with errors")
		b.picture(fmt.Sprintf("errors-%d-light", width))
	}
}

// A token that the page does not show begins to fire: the page says so.
func TestATokenOnAnotherPageFires(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	hidden := p.create("on the second page", 1)
	for i := range 100 {
		p.create(fmt.Sprintf("newer %d", i), 3600)
	}
	b.do(chromedp.Navigate(p.url + "/"))
	b.until("it is on another page", `document.querySelectorAll("#rows > tr").length == 100 && !document.querySelector("#t1")`)
	b.mark()
	p.beat(hidden.Value)
	b.until("order has changed", `document.title == "(1) kae" && document.querySelector("#resort").checkVisibility() && document.querySelector("#said").textContent.includes("firing")`)
	b.noReload()
}

// Who watches only what fires watches an empty list most of the time.
func TestTheFirstMatchOfASearchComes(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	token, other := p.create("Nightly backup", 2), p.create("Weekly report", 2)
	b.do(chromedp.Navigate(p.url + "/?q=is:firing"))
	b.until("nothing fires", `document.body.innerText.includes("Nothing matches is:firing.")`)
	p.beat(token.Value)
	b.until("it fires", `document.querySelector("#t1")?.innerText.includes("missed") && document.querySelector("#next").innerText.startsWith("1 token matches")`)
	b.mark()
	p.beat(other.Value)
	b.until("the second one fires", `document.querySelector("#t2")?.innerText.includes("missed") && document.querySelector("#said").textContent == "Weekly report fires: missed"`)
	b.noReload()
	b.quiet()
}
