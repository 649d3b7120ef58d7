package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// zone is where the viewer of all pictures lives.
const zone = "Europe/Madrid"

// tab is a page in Chromium.
type tab struct{ ctx context.Context }

// openBrowser starts Chromium with a profile of its own.
func openBrowser(ctx context.Context, profile string) (*tab, func(), error) {
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		return nil, nil, errors.New("there is no chromium")
	}
	ctx, cancelAll := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.Headless, chromedp.DisableGPU, chromedp.NoSandbox, chromedp.NoFirstRun, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("font-render-hinting", "none"),
	)
	ctx, cancel := chromedp.NewContext(ctx)
	b := &tab{ctx}
	if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}); err != nil {
		cancel()
		cancelAll()
		return nil, nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return b, func() { cancel(); cancelAll() }, nil
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) error { return chromedp.Do(b.ctx, steps...) }

// run runs JavaScript.
func (b *tab) run(script string) error {
	return b.do(chromedp.Evaluate[chromedp.Void](script + "; void 0"))
}

// soon is for what a page that is being left may never answer.
func (b *tab) soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, 2*time.Second)
}

// holds tells whether a JavaScript expression is true, as far as can be known.
func (b *tab) holds(expression string) bool {
	ctx, cancel := b.soon()
	defer cancel()
	ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
	return ok && err == nil
}

// until waits for a JavaScript expression to be true.
func (b *tab) until(expression string) error {
	for deadline := time.Now().Add(20 * time.Second); !b.holds(expression); time.Sleep(20 * time.Millisecond) {
		if b.ctx.Err() != nil || time.Now().After(deadline) {
			return fmt.Errorf("never: %s", expression)
		}
	}
	return nil
}

// media sets the colour scheme, and whether things may move.
func (b *tab) media(scheme, motion string) error {
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: motion}},
	})
	return err
}

// stopClock lets the time in every page from now on be one moment.
func (b *tab) stopClock(at time.Time) error {
	_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: fmt.Sprintf(`globalThis.Date = class extends Date {
			constructor(...a) { a.length ? super(...a) : super(%[1]d) }
			static now() { return %[1]d }
		}`, at.UnixMilli()),
	})
	return err
}

// open shows a page with its own font, and with its stream connected.
func (b *tab) open(url string) error {
	// The font is optional: only from the cache is it sure to be in time.
	if err := b.do(chromedp.Navigate(url), chromedp.Navigate(url)); err != nil {
		return err
	}
	return b.until(`document.fonts.status === "loaded" && (!document.querySelector("[data-live]") || !document.querySelector(".live")?.hidden)`)
}
