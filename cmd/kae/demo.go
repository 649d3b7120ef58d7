package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"kae"
	"kae/internal/demo"
	"kae/internal/hub"
	"kae/internal/keeper"
	"kae/internal/notify"
	"kae/internal/roster"
	"kae/internal/sqlstore"
	"kae/internal/web"
)

const demoHead = `kae demo shows the console with made-up tokens in every state, and lets them
live. It keeps them in a temporary database that is removed at the end; it reads
no KAE_ variable and knows of no other database.

Usage: kae demo [-addr HOST:PORT] [-at TIME]
`

var demoEntries = []entry{
	{
		Flag: "addr", Unit: "host:port", Normal: "127.0.0.1:20999, or any free port if that one is taken",
		Help: "Where to listen, on this machine only.",
	},
	{
		Flag: "at", Unit: "time", Normal: "now, and time passes",
		Help: "Show the demo as of a time, such as 2026-11-22T09:52:20Z, standing still: for pictures.",
	},
}

func demoCommand(stdout, stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:               "demo",
		Flags:              cliFlags(demoEntries),
		CustomHelpTemplate: helpOf("demo"),
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			// What kae does by itself, whatever the variables say.
			cfg, err := newFlags("serve").config(func(string) string { return "" })
			if err != nil {
				return err
			}
			cfg.logLevel = slog.LevelWarn
			cfg.given["KAE_ADDR"] = c.IsSet("addr")
			if c.IsSet("addr") {
				if cfg.addr, err = parseAddr(c.String("addr")); err != nil {
					return usage("-addr %q can't be used: %v", c.String("addr"), err)
				}
			}
			if !isLoopback(cfg.addr) {
				return usage("the demo has no password: -addr has to be an address of this machine alone, such as 127.0.0.1:20999")
			}
			if !c.IsSet("at") {
				return liveDemo(ctx, cfg, stdout, stderr)
			}
			at, err := time.Parse(time.RFC3339, c.String("at"))
			if err != nil {
				return usage("-at %q can't be used: %v", c.String("at"), possible("a time such as 2026-11-22T09:52:20Z"))
			}
			return stillDemo(ctx, cfg, at, stdout, stderr)
		},
	}
}

// liveDemo is kae itself, with its tokens played.
func liveDemo(ctx context.Context, c config, stdout, stderr io.Writer) (err error) {
	listener, err := listenForDemo(c)
	if err != nil {
		return err
	}
	defer listener.Close() // the server closes it earlier
	scene := demo.New(time.Now())
	store, remove, err := demoStore(ctx, scene)
	if err != nil {
		return err
	}
	defer closing(&err, remove)
	return operate(ctx, c, newLog(c, stderr), listener, store, newMetrics(store), func(k *keeper.Keeper) func() error {
		playing := start(func(ctx context.Context) error {
			scene.Play(ctx, k)
			return nil
		})
		straying := start(func(ctx context.Context) error {
			for ; ctx.Err() == nil; pause(ctx, time.Minute) {
				sendStrays(ctx, listener.Addr(), scene.Strays())
			}
			return nil
		})
		announceDemo(stdout, c, listener.Addr(), scene)
		return func() error { return errors.Join(straying.stop(), playing.stop()) }
	})
}

// stillDemo serves the pages of a moment. Nothing changes it: there is no loop.
func stillDemo(ctx context.Context, c config, at time.Time, stdout, stderr io.Writer) (err error) {
	listener, err := listenForDemo(c)
	if err != nil {
		return err
	}
	defer listener.Close()
	scene := demo.New(at)
	store, remove, err := demoStore(ctx, scene)
	if err != nil {
		return err
	}
	defer closing(&err, remove)
	if err := scene.WriteChannels(ctx, store); err != nil {
		return err
	}
	tokens := roster.New()
	var changes []kae.Change
	for _, t := range scene.Tokens {
		changes = append(changes, kae.Change{Token: t})
	}
	tokens.Install(changes, scene.Now)
	tokens.SetGaps(scene.Gaps)
	news := hub.New()
	defer news.Close()

	pages := c.pages()
	pages.Keeper, pages.Roster, pages.History, pages.Hub, pages.Log = still{tokens, scene.Now}, tokens, store, news, newLog(c, stderr)
	pages.Now = func() time.Time { return scene.Now }
	alerts, err := notify.New(ctx, c.notifier(store, tokens, pages.Log, nil))
	if err != nil {
		return err
	}
	pages.Alerts = stillAlerts{alerts}
	pages.URL = "https://kae.example.org" // as a picture should show it, whatever the port
	server := web.New(pages).HTTP()
	serving := start(func(context.Context) error { return server.Serve(listener) })
	defer closing(&err, func() error { return stopServing(server, serving, pages.Log) })
	sendStrays(ctx, listener.Addr(), scene.Strays())
	announceDemo(stdout, c, listener.Addr(), scene)
	select {
	case <-ctx.Done():
		return nil
	case <-serving.ended:
		return serving.err
	}
}

// sendStrays sends heartbeats with values that no token has, each from its own
// address as a proxy would tell it. What becomes of them is for the page.
func sendStrays(ctx context.Context, addr net.Addr, strays []demo.Stray) {
	for _, s := range strays {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr.String()+"/hb/"+s.Value, nil)
		if err != nil {
			return
		}
		r.Header.Set("User-Agent", s.Agent)
		r.Header.Set("X-Forwarded-For", s.Remote)
		if response, err := http.DefaultClient.Do(r); err == nil {
			response.Body.Close()
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// still is a keeper that nothing can be asked of.
type still struct {
	*roster.Roster
	now time.Time
}

var errNobody = &kae.Error{Code: kae.NotFound, Message: "There is no such token."}

var errStill = &kae.Error{Code: kae.Unavailable, Message: "This demo stands still: nothing can be changed. “kae demo” without -at lives."}

func (s still) Heartbeat(_ context.Context, value string, _ kae.Heartbeat) error {
	if _, known := s.Find(value); !known {
		return errNobody
	}
	return errStill
}

func (still) Create(context.Context, kae.Settings) (kae.Token, error) {
	return kae.Token{}, errStill
}

func (still) Change(context.Context, int64, keeper.Rule) (kae.Token, error) {
	return kae.Token{}, errStill
}

func (s still) Health() kae.Health { return kae.Health{LastCommit: s.now} }

// listenForDemo takes any free port instead of the default one: a real kae may
// run beside the demo.
func listenForDemo(c config) (net.Listener, error) {
	listener, err := net.Listen("tcp", c.addr)
	if errors.Is(err, syscall.EADDRINUSE) && !c.given["KAE_ADDR"] {
		return listen("127.0.0.1:0")
	}
	if err != nil {
		return listen(c.addr) // which says what is wrong
	}
	return listener, nil
}

// demoStore writes a scene into a database in a directory of its own, which
// remove takes away.
func demoStore(ctx context.Context, scene *demo.Scene) (store *sqlstore.Store, remove func() error, err error) {
	dir, err := os.MkdirTemp("", "kae-demo-")
	if err != nil {
		return nil, nil, err
	}
	store, err = sqlstore.Open(ctx, sqlstore.Config{DB: filepath.Join(dir, "kae.sqlite")})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	remove = func() error { return errors.Join(store.Close(), os.RemoveAll(dir)) }
	if err := scene.Write(ctx, store); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return store, remove, nil
}

func announceDemo(w io.Writer, c config, addr net.Addr, scene *demo.Scene) {
	fmt.Fprintf(w, "kae is at %s\nThis is a demo: %d made-up tokens in a temporary database. It is removed at the end (Ctrl+C), with all that you change.\n",
		clickable(c, addr), len(scene.Tokens))
}

// stillAlerts are channels to which nothing goes.
type stillAlerts struct{ *notify.Notifier }

func (stillAlerts) Put(context.Context, kae.Channel) (kae.Channel, error) {
	return kae.Channel{}, errStill
}
func (stillAlerts) ChangePolicy(context.Context, func(kae.Policy) (kae.Policy, error)) error {
	return errStill
}
func (stillAlerts) Remove(context.Context, int64) error         { return errStill }
func (stillAlerts) Test(context.Context, int64) (string, error) { return "", errStill }
