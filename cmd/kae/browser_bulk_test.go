package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// submit posts a form as the list would.
func (b *tab) submit(path, fields string) {
	b.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`(() => {
		const form = document.createElement("form");
		form.method = "post";
		form.action = %q;
		for (const [name, value] of new URLSearchParams(%q)) {
			const input = document.createElement("input");
			[input.type, input.name, input.value] = ["hidden", name, value];
			form.append(input);
		}
		document.body.append(form);
		form.submit();
	})()`, path, fields)))
}

// One thing is done to many tokens, with a question in between, and undone.
func TestManyTokensInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	for i := range 4 {
		p.create(fmt.Sprint("job ", i+1), 3600)
	}
	b.do(chromedp.Navigate(p.url + "/?q=job"))
	b.submit("/tokens", "do=tag&all=1&q=job")
	b.until("it asks", `document.querySelector("h1")?.innerText == "Add tags: 4 tokens"`)
	b.everywhere("bulk")
	b.write("#tags", "db prod")
	b.click("main form .pri")
	b.until("it says what was done", `location.search.includes("q=job") && document.querySelector(".undo")?.innerText.includes("4 tokens tagged db, prod.")`)

	b.submit("/tokens", "do=remove&id=1&id=3&q=tag:db")
	b.until("removed", `document.querySelector(".undo")?.innerText.includes("2 tokens removed.") && document.querySelectorAll("#rows > tr").length == 2`)
	b.accessible("the list after a removal")
	b.click(".undo button")
	b.until("brought back", `document.querySelector(".undo")?.innerText.includes("2 tokens brought back.") && new URLSearchParams(location.search).get("q") == "tag:db"`)
	b.until("all are there", `document.querySelectorAll("#rows > tr").length == 4`)
	b.quiet()

	b.submit("/tokens", "do=tag&id=1&tags="+fmt.Sprintf("%051d", 0)) // of which the browser's console tells, too
	b.until("what is wrong stands beside the field", `document.querySelector("#tags-says")?.innerText.includes("at most 50 characters") && document.activeElement.id == "tags"`)
	b.everywhere("bulk with an error")
}

// A typing error in a crontab, seen and forgotten.
func TestStrayHeartbeatsInTheBrowser(t *testing.T) {
	b := openBrowser(t)
	p := launch(t, t.TempDir())
	token, gone := p.create("Nightly backup", 86400), p.create("Christmas lights timer", 86400)
	p.fetch(fmt.Sprintf("/tokens/%d/remove", gone.ID), map[string][]string{}, nil)
	for _, value := range []string{gone.Value, token.Value[:19] + "a", token.Value[:19] + "a", "example"} {
		if status := p.send(value); status != http.StatusNotFound {
			t.Fatalf("an unknown value is answered %d", status)
		}
	}
	b.do(chromedp.Navigate(p.url + "/"))
	b.click(`.foot a[href="/strays"]`)
	b.until("it shows them", `document.querySelectorAll(".log tbody tr").length == 3 && document.body.innerText.includes("2 times since")`)
	b.until("and whose they may be", `document.body.innerText.includes("It begins like the value of Nightly backup") && document.body.innerText.includes("Christmas lights timer had this value and was removed")`)
	b.everywhere("strays")
	b.click(".foot button")
	b.until("forgotten", `location.pathname == "/" && !document.querySelector('a[href="/strays"]')`)
	b.quiet()
}
