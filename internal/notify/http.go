package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"kae"
)

const (
	usualTimeout  = 10 * time.Second
	maxReply      = 64_000 // bytes of an answer that are read
	maxRedirects  = 5
	maxRetryAfter = 24 * time.Hour
)

// outside is how channels reach the other side.
type outside struct {
	Options
	dialer  *net.Dialer
	roots   *x509.CertPool // nil: those of the system
	direct  *http.Client
	proxied *http.Client
	proxy   func(*http.Request) (*url.URL, error)
}

func newOutside(o Options) *outside {
	if o.Timeout == 0 {
		o.Timeout = usualTimeout
	}
	if o.Agent == "" {
		o.Agent = "kae"
	}
	out := &outside{Options: o, dialer: &net.Dialer{}, proxy: http.ProxyFromEnvironment}
	if o.DenyPrivate {
		out.dialer.Control = refusePrivate
	}
	client := func(d *net.Dialer, proxy func(*http.Request) (*url.URL, error)) *http.Client {
		t := &http.Transport{
			Proxy: proxy, DialContext: d.DialContext, ForceAttemptHTTP2: true,
			// The next alert is far away, and channels are opened for each.
			DisableKeepAlives: true, MaxResponseHeaderBytes: maxReply,
		}
		return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	out.direct = client(out.dialer, nil)
	// What a proxy may reach is for the proxy to say; its own address is the
	// operator's choice.
	out.proxied = client(&net.Dialer{}, func(r *http.Request) (*url.URL, error) { return out.proxy(r) })
	return out
}

// request is what a kind of channel sends by HTTP.
type request struct {
	method string // "" is POST
	url    string
	key    string // Idempotency-Key: the same each time that the same is sent
	header http.Header
	body   []byte
}

// reply is an answer of the 2xx, with what came of its body in time: what was
// accepted stays accepted if its text does not come.
type reply struct {
	status string
	body   string
}

// String tells the answer in a few words.
func (r reply) String() string {
	if line := firstLine(r.body); line != "" {
		return r.status + ": " + line
	}
	return r.status
}

// postJSON sends a value as JSON.
func (o *outside) postJSON(ctx context.Context, url, key string, header http.Header, v any) (reply, error) {
	body, err := plainJSON(v)
	if err != nil {
		return reply{}, err
	}
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return o.ask(ctx, request{url: url, key: key, header: header, body: body})
}

// ask sends a request. Its error is a [*Refused] where there is an answer that
// is not of the 2xx; the answer is given with it.
func (o *outside) ask(ctx context.Context, r request) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	target, err := url.Parse(r.url)
	if err != nil {
		return reply{}, errors.New("the URL can't be read")
	}
	for range maxRedirects {
		res, err := o.once(ctx, r, target)
		if err != nil {
			return reply{}, o.unreached(target, err)
		}
		text, _ := io.ReadAll(io.LimitReader(res.Body, maxReply))
		res.Body.Close()
		got := reply{strconv.Itoa(res.StatusCode), string(text)}
		if words := http.StatusText(res.StatusCode); words != "" {
			got.status += " " + words
		}
		switch {
		case res.StatusCode/100 == 2:
			return got, nil
		case res.StatusCode/100 != 3:
			return got, refusal(target, res, got)
		}
		if target, err = follow(target, res, got); err != nil {
			return reply{}, err
		}
	}
	return reply{}, &Refused{Answer: target.Hostname() + " redirects in a circle."}
}

func (o *outside) once(ctx context.Context, r request, target *url.URL) (*http.Response, error) {
	method := r.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	if r.header != nil {
		req.Header = r.header.Clone()
	}
	req.Header.Set("Idempotency-Key", r.key)
	req.Header.Set("User-Agent", o.Agent)
	proxy, err := o.proxy(req)
	if err != nil {
		return nil, errors.New("the proxy that the environment names can't be used")
	}
	if proxy == nil {
		return o.direct.Do(req)
	}
	if o.DenyPrivate {
		if ip, err := netip.ParseAddr(target.Hostname()); err == nil && isPrivate(ip) {
			return nil, privateTarget(ip)
		}
	}
	return o.proxied.Do(req)
}

// follow gives where a redirect leads. The message is sent there as it is, so
// it stays with the host that it is meant for; browsers would turn it into a
// GET (RFC 9110, section 15.4), and it would be lost.
func follow(from *url.URL, res *http.Response, got reply) (*url.URL, error) {
	to, err := from.Parse(res.Header.Get("Location"))
	again := slices.Contains([]int{301, 302, 307, 308}, res.StatusCode)
	switch {
	case err != nil || res.Header.Get("Location") == "" || !again:
		return nil, &Refused{Answer: from.Hostname() + " answered " + got.status + ", which does not accept the message."}
	case to.Scheme != "http" && to.Scheme != "https" || !sameHost(from, to):
		return nil, &Refused{Answer: from.Hostname() + " redirects to another host, which kae does not follow: write the URL to which it leads."}
	}
	to.User = from.User
	return to, nil
}

// sameHost tells whether a redirect stays with the host and its program. From
// http to https is the one other port that does.
func sameHost(from, to *url.URL) bool {
	port := func(u *url.URL) string {
		if u.Port() == "" {
			return map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		return u.Port()
	}
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	safer := from.Scheme == "http" && to.Scheme == "https" && port(from) == "80" && port(to) == "443"
	return safer || from.Scheme == to.Scheme && port(from) == port(to)
}

// refusal is an answer of the 4xx or 5xx.
func refusal(target *url.URL, res *http.Response, got reply) *Refused {
	code := res.StatusCode
	return &Refused{
		Answer:    target.Hostname() + " answered " + got.String(),
		Permanent: code/100 == 4 && code != 408 && code != 425 && code != 429,
		Content:   code == 400 || code == 413 || code == 422,
		After:     retryAfter(res.Header.Get("Retry-After"), time.Now()),
	}
}

// retryAfter reads for how long the other side wants to be left alone: seconds
// or a date (RFC 9110, section 10.2.3); at most a day.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// unreached tells why there was no answer, without the URL's path.
func (o *outside) unreached(target *url.URL, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if neverLeft(err) {
		return &Refused{Answer: fmt.Sprintf("no answer from %s: %v", target.Hostname(), err)}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer from %s within %s: %w", target.Hostname(), o.Timeout, err)
	}
	return fmt.Errorf("no answer from %s: %w", target.Hostname(), err)
}

// neverLeft tells whether nothing of a message can have arrived: there was no
// connection, or its certificate was not accepted.
func neverLeft(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return ok && op.Op == "dial" || untrusted
}

// refusePrivate looks at the address that a name has led to, so that a name
// which changes its mind between two look-ups can't get around it.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || isPrivate(at.Addr()) {
		return privateTarget(at.Addr())
	}
	return nil
}

func privateTarget(ip netip.Addr) error {
	return fmt.Errorf("the address %s is private, and kae was started with -deny-private-targets", ip)
}

// What is neither private nor loopback by name, and still not the internet
// (RFC 6890 and its registries).
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

func isPrivate(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return !ip.IsGlobalUnicast() || ip.IsPrivate() || slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// otherwise is a 2xx whose text does not say that the message was accepted.
func otherwise(url string, got reply) *Refused {
	return &Refused{Answer: hostOf(url) + " answered " + got.String() + ", which is not how it accepts a message."}
}

func hostOf(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Hostname()
	}
	return ""
}

// firstLine gives the beginning of a text in one line; nothing of a web page.
func firstLine(text string) string {
	if strings.HasPrefix(strings.TrimSpace(text), "<") {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, kae.CleanText(line, 200))
	return strings.TrimSpace(line)
}
