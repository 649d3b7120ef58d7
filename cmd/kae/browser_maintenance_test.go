package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Somebody upgrades a database: meanwhile nobody is called for what is down
// because of it, and whoever looks sees why. What is still down after it is
// told then.
func TestMaintenanceInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	e := listenForAlerts(t)
	p.channel("pager", e.URL)
	dump, mirror, other := p.create("Nightly dump", 3600), p.create("Mirror, eu.example.com", 3600), p.create("Status page probe", 3600)
	for _, job := range []token{dump, mirror} {
		p.fetch(fmt.Sprintf("/tokens/%d", job.ID), url.Values{"tags": {"db"}}, nil)
	}
	for _, job := range []token{dump, mirror, other} {
		p.beat(job.Value)
	}

	b.do(chromedp.Navigate(p.url + "/maintenance"))
	b.until("nothing there yet", `document.querySelector("h1").innerText == "Maintenance" && !document.querySelector(".chan")`)
	b.everywhere("maintenance, none")
	b.write("#name", "Database upgrade")
	b.until("tags are asked for only where they count", `!document.querySelector("#tags").checkVisibility() && !document.querySelector("#tokens").checkVisibility()`)
	b.click(".which label:nth-of-type(3)")
	b.write("#tokens", "Nightly dump\nmirror, EU.example.com\nNightly dumb")
	b.write("#to", "half past eleven")
	b.click("form .pri")
	b.until("what is wrong stands beside its field, and what was typed stays", `document.querySelector("#tokens-says").innerText.includes("There is no token “Nightly dumb”.") &&
		document.querySelector("#to-says").innerText.includes("Write when it ends") && document.querySelector("#tokens").value.endsWith("Nightly dumb") &&
		document.querySelector("#to").value == "half past eleven" && document.querySelector("#name").value == "Database upgrade"`)
	b.said("422")
	b.everywhere("maintenance, wrong")
	b.click(".which label:nth-of-type(2)")
	b.write("#tags", "db")
	b.write("#to", "2h")
	b.click("form .pri")
	b.until("it is on", `document.querySelector(".chan .st")?.innerText == "on" && document.querySelector(".chan").innerText.includes("tokens tagged db, 2 now")`)

	b.do(chromedp.Navigate(p.url + "/"))
	b.until("the list says so", `/^Maintenance until .+: Database upgrade\. Channels hear nothing of 2 tokens\./.test(document.querySelector("#maintenance").innerText)`)
	b.mark()
	p.send(dump.Value + "/fail")
	p.send(other.Value + "/fail")
	eventually(t, 10*time.Second, func() error { // of what is not in it it hears
		if got := e.all(); len(got) != 1 || !strings.Contains(got[0], "Status page probe firing") {
			return fmt.Errorf("heard %v", got)
		}
		return nil
	})
	b.until("it fires all the same", `document.querySelector("#t1").classList.contains("fire")`)
	b.noReload()
	b.everywhere("the list in maintenance")
	b.do(chromedp.Navigate(fmt.Sprintf("%s/tokens/%d", p.url, dump.ID)))
	b.until("the token's page says so", `/^Maintenance until .+: Database upgrade\. Channels hear nothing of it\./.test(document.querySelector("#maintenance").innerText)`)
	b.until("its delivery waits for the end", `document.querySelector(".sent")?.innerText.includes("Maintenance: Database upgrade")`)
	b.until("the log is marked", `document.querySelector("#log .flip.fire").innerText.includes("Maintenance: Database upgrade")`)
	b.everywhere("a token in maintenance")
	b.mark()
	if got := e.all(); len(got) != 1 {
		t.Errorf("heard %v", got)
	}
	if status := p.fetch("/maintenance/1/end", url.Values{}, nil); status != http.StatusOK {
		t.Fatalf("status %d at the end", status)
	}
	eventually(t, 20*time.Second, func() error {
		if got := strings.Join(e.all(), "; "); !strings.Contains(got, "Nightly dump firing") {
			return fmt.Errorf("heard %s", got)
		}
		return nil
	})
	b.until("the line goes by itself", `document.querySelector("#maintenance").innerText == ""`)
	b.noReload()

	for _, form := range []url.Values{
		{"name": {"Patches"}, "starts": {"Sun 02:00"}, "length": {"90m"}, "zone": {"Europe/Madrid"}},
		{"name": {"Move to the other data centre, with all its machines"}, "tokens": {"#2"}, "from": {"2036-11-28T22:00"}, "to": {"5h"}, "zone": {"Europe/Madrid"}},
		{"name": {"New switch"}, "which": {"tags"}, "tags": {"db"}, "to": {"20m"}},
	} {
		if status := p.fetch("/maintenance", form, nil); status != http.StatusCreated {
			t.Fatalf("status %d for %v", status, form)
		}
	}
	b.do(chromedp.Navigate(p.url + "/maintenance"))
	b.until("all four", `document.querySelectorAll(".chan tbody tr").length == 4`)
	b.everywhere("maintenance")
	b.click(`[aria-label="Edit Patches"]`)
	b.until("its form", `document.querySelector("#starts")?.value == "Sun 02:00" && document.querySelector("#length").value == "1h30m" && document.querySelector("#zone").value == "Europe/Madrid"`)
	b.everywhere("maintenance, an edit")
	b.write("#length", "2h")
	b.click("form .pri")
	b.until("it is kept", `document.querySelector(".chan")?.innerText.includes("every Sunday at 02:00, for 2 h, Europe/Madrid")`)
	b.click(`[aria-label="End New switch now"]`)
	b.until("ended", `document.querySelector(".note.up")?.innerText.includes("Ended New switch.") && !document.querySelector(".chan tr.late")`)
	b.click(`.chan a[href="/maintenance/2/edit"]`)
	b.click("#ask-remove summary")
	b.everywhere("maintenance asks")
	b.click("#ask-remove form button")
	b.until("removed", `document.querySelector(".note.up")?.innerText == "Removed Patches." && document.querySelectorAll(".chan tbody tr").length == 3`)
	b.quiet()
}
