package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Chromium would put kae on a home screen, password or not.
func TestItCanBeInstalled(t *testing.T) {
	b := openBrowser(t)
	for name, env := range map[string][]string{"without a password": nil, "with a password": {"KAE_USER=eye", "KAE_PASS=wide open"}} {
		t.Run(name, func(t *testing.T) {
			p := prepare(t, t.TempDir(), "-addr", "127.0.0.1:0")
			p.cmd.Env = append(p.cmd.Env, env...)
			p.serving()
			login := url.UserPassword("eye", "wide open").String() + "@"
			if env == nil {
				login = ""
			}
			b.do(chromedp.Navigate(strings.Replace(p.url, "http://", "http://"+login, 1) + "/"))
			b.until("the page is there", `document.querySelector("#interval")`)
			found, err := chromedp.Call(b.ctx, cdppage.GetAppManifest, cdppage.GetAppManifestParams{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range found.Errors {
				t.Errorf("the manifest, line %d: %s", e.Line, e.Message)
			}
			checkManifest(t, p, found.URL, found.Data)
			why, err := chromedp.Call(b.ctx, cdppage.GetInstallabilityErrors, cdp.Empty{})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range why.InstallabilityErrors {
				t.Errorf("it can't be installed: %s", e.ErrorID)
			}
			b.until("the browser's frame follows the theme", `(() => {
				const shown = () => [...document.querySelectorAll("meta[name=theme-color]")].filter(m => matchMedia(m.media).matches).map(m => m.content).join();
				const press = () => document.querySelector("[data-theme-switch]").click();
				const seen = [];
				for (let i = 0; i < 3; i++) { press(); seen.push(shown()); }
				return seen.includes("#ffffff") && seen.includes("#191918") && seen.every(s => s.length == 7);
			})()`)
			b.do(chromedp.Navigate("about:blank")) // before the page loses its kae
			b.quiet()
		})
	}
}

// checkManifest fetches what the manifest names, as a phone does: without
// credentials.
func checkManifest(t *testing.T, p *program, address, text string) {
	t.Helper()
	var m struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Start   string `json:"start_url"`
		Display string `json:"display"`
		Icons   []struct{ Src, Sizes, Type, Purpose string }
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("the manifest at %q: %v", address, err)
	}
	if m.ID != "/" || m.Name != "kae" || m.Start != "/" || m.Display != "standalone" {
		t.Errorf("the manifest says %+v", m)
	}
	at, err := url.Parse(address) // with the credentials that the page was asked for with
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]bool{}
	for _, icon := range m.Icons {
		sizes[icon.Sizes+icon.Purpose] = true
		response, err := http.Get(p.url + path.Join(path.Dir(at.Path), icon.Src))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != icon.Type {
			t.Errorf("%s: %s, %s", icon.Src, response.Status, response.Header.Get("Content-Type"))
		}
	}
	for _, want := range []string{"192x192", "512x512", "512x512maskable", "any"} {
		if !sizes[want] {
			t.Errorf("no icon is %s: %s", want, fmt.Sprint(sizes))
		}
	}
}
