package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	filmWidth, filmHeight = 900, 640

	shown = "http://127.0.0.1:20999" // whatever port is free today

	between  = 150 * time.Millisecond // two frames
	lastRest = 3 * time.Second        // how long the last one stands
)

// film is what is being taken of a tab.
type film struct {
	*tab
	frames []frame
	says   string // the caption
}

// takeFilm takes assets/kae.gif: a token is created, its first heartbeat
// comes, it fires, it recovers.
func takeFilm(ctx context.Context, b *tab, kae, to string) (err error) {
	url, stop, err := launch(ctx, kae, filepath.Dir(kae), "serve", "-url", shown, "-db", filepath.Join(filepath.Dir(kae), "film.sqlite"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	f := &film{tab: b}
	if err := f.media("light", "reduce"); err != nil {
		return err
	}
	if err := f.do(chromedp.EmulateViewport(filmWidth, filmHeight)); err != nil {
		return err
	}
	if err := f.story(url); err != nil {
		return err
	}
	data, err := develop(f.frames, lastRest)
	if err != nil {
		return err
	}
	return write(to, "assets/kae.gif", data)
}

// story is what happens in the film.
func (f *film) story(url string) error {
	const listed = `document.querySelector("#rows > tr")?.classList`
	var heartbeat string
	steps := []func() error{
		func() error { return f.open(url + "/") },
		f.caption("Say what should happen, and how often."),
		f.roll(900 * time.Millisecond),
		f.types("#name", "Water the greenhouse"),
		f.types("#interval", "6s"),
		f.roll(700 * time.Millisecond),
		func() error { return f.do(chromedp.Click(chromedp.CSS("main form .pri"))) },
		f.rollUntil(`document.body.innerText.includes("Listening")`),
		f.caption("kae waits for the first heartbeat."),
		f.roll(1500 * time.Millisecond),
		func() (err error) {
			heartbeat, err = chromedp.Run(f.ctx, chromedp.Evaluate[string](`document.querySelector("[data-copy^=http]").dataset.copy`))
			heartbeat = strings.Replace(heartbeat, shown, url, 1)
			return err
		},
		f.caption("The job runs, and says so:  curl " + shown + "/hb/…"),
		f.roll(1200 * time.Millisecond),
		func() error { return send(heartbeat) },
		f.rollUntil(`document.querySelector(".pill")?.innerText === "up"`),
		f.roll(1800 * time.Millisecond),
		func() error { return f.open(url + "/") },
		f.caption("As long as heartbeats come, all is well."),
		f.roll(1200 * time.Millisecond),
		func() error { return send(heartbeat) },
		f.roll(2500 * time.Millisecond),
		f.caption("One does not come …"),
		f.rollUntil(listed + `.contains("fire")`),
		f.caption("One does not come: it fires."),
		f.roll(3 * time.Second),
		f.caption("The next one recovers it:  curl " + shown + "/hb/…"),
		f.roll(1200 * time.Millisecond),
		func() error { return send(heartbeat) },
		f.rollUntil(listed + `.contains("up")`),
		f.roll(time.Second),
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// shoot takes a frame.
func (f *film) shoot() error {
	at := time.Now()
	ctx, cancel := f.soon()
	defer cancel()
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	img, err := decode(shot)
	if err == nil {
		f.frames = append(f.frames, frame{img, at})
	}
	return err
}

// roll takes frames for a time.
func (f *film) roll(d time.Duration) func() error {
	return func() error {
		for end := time.Now().Add(d); time.Now().Before(end); {
			next := time.Now().Add(between)
			if err := f.shoot(); err != nil {
				return err
			}
			time.Sleep(time.Until(next))
		}
		return nil
	}
}

// rollUntil takes frames until a JavaScript expression is true.
func (f *film) rollUntil(expression string) func() error {
	return func() error {
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
			if f.holds(expression) {
				return f.caption(f.says)()
			}
			// Between two pages there is nothing to ask, and nothing to see.
			if err := f.roll(between)(); err != nil && f.ctx.Err() != nil {
				return err
			}
		}
		return fmt.Errorf("never: %s", expression)
	}
}

// types writes into a field, one letter a frame.
func (f *film) types(selector, text string) func() error {
	return func() error {
		for _, letter := range text {
			if err := f.do(chromedp.SendKeys(chromedp.CSS(selector), string(letter))); err != nil {
				return err
			}
			if err := f.shoot(); err != nil {
				return err
			}
		}
		return nil
	}
}

// caption shows a line at the foot of the page, whichever page it is.
func (f *film) caption(text string) func() error {
	return func() error {
		f.says = text
		return f.run(fmt.Sprintf(`{
			let c = document.querySelector("#caption");
			if (!c) {
				c = document.createElement("p");
				c.id = "caption";
				document.body.append(c);
				Object.assign(c.style, {position: "fixed", insetInline: "0", bottom: "0", padding: "13px 24px", zIndex: 99,
					background: "#1d1c1a", color: "#fff", font: "520 16px/22px Inter, sans-serif", whiteSpace: "pre"});
			}
			c.textContent = %q;
		}`, text))
	}
}

// send sends a heartbeat.
func send(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); err != nil || string(answer) != "OK" {
		return fmt.Errorf("a heartbeat was answered %s (%v)", response.Status, err)
	}
	return nil
}
