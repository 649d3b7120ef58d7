package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
)

const healthcheckHead = `kae healthcheck asks the kae that runs on this machine, or in this container,
whether all is well, and says what it answers in one sentence.

Usage: kae healthcheck [-flag value …]

It asks /healthz at the address where kae listens; where that is every address,
on loopback. The exit status is 0 when all is well, else 1.
`

// patience is shorter than what container engines give a health check: better
// a sentence in their log than a check that was killed.
const patience = 4 * time.Second

func healthcheckCommand(getenv func(string) string, stdout io.Writer) *cli.Command {
	return operatorCommand("healthcheck", getenv, func(ctx context.Context, c config, args []string) error {
		if len(args) > 0 {
			return usage("%q is one argument too many; “kae healthcheck -help” shows what is possible", args[0])
		}
		said, err := askHealth(ctx, c.addr)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(stdout, said)
		return err
	})
}

// askHealth gives the sentence of a kae that is well; of one that is not, it
// is the error.
func askHealth(ctx context.Context, addr string) (string, error) {
	if strings.HasSuffix(addr, ":0") {
		return "", usage("with port 0 nobody knows where kae listens; give its address with -addr")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The address is dialed as it is: the dialer takes one that stands for every
	// address for this machine's. No proxy of the environment is asked.
	client := http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, addr)
			},
			DisableKeepAlives: true,
		},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/healthz", nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	switch op, isOp := errors.AsType[*net.OpError](err); {
	case errors.Is(err, context.DeadlineExceeded):
		return "", fmt.Errorf("kae at %s does not answer within %s", addr, patience)
	case isOp:
		return "", fmt.Errorf("no kae can be reached at %s: %w", addr, op.Err)
	case err != nil:
		return "", fmt.Errorf("what listens on %s does not answer as kae does", addr)
	}
	defer response.Body.Close()
	var page struct {
		OK      bool   `json:"ok"`
		Message string `json:"message"`
	}
	const most = 1 << 16 // of something that is not kae
	err = json.NewDecoder(io.LimitReader(response.Body, most)).Decode(&page)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "", fmt.Errorf("kae at %s does not answer within %s", addr, patience)
	case err != nil || page.Message == "":
		return "", fmt.Errorf("what listens on %s does not answer as kae does", addr)
	case !page.OK:
		return "", errors.New(page.Message)
	case response.StatusCode != http.StatusOK:
		return "", fmt.Errorf("kae at %s answers with %s: %s", addr, response.Status, page.Message)
	}
	return page.Message, nil
}
