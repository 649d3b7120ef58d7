package notify

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net"
	netmail "net/mail"
	"net/textproto"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/wneessen/go-mail"

	"kae"
)

var email = Kind{
	Name: "email", Label: "E-mail",
	About: "An e-mail, by the SMTP server of your choice.",
	Fields: []Field{
		{Name: "to", Label: "To", Hint: "ops@example.com, ana@example.com", Required: true, check: isAddresses},
		{Name: "from", Label: "From", Hint: "kae <kae@example.com>", Required: true, check: isAddress},
		{Name: "server", Label: "SMTP server", Hint: "smtp.example.com; with a port if it is not the usual one", Required: true, check: isServer},
		{Name: "encryption", Label: "Encryption", Hint: "starttls", Choices: []string{"starttls", "tls", "none"}},
		{Name: "user", Label: "User"},
		{Name: "password", Label: "Password", Secret: true},
	},
	check: func(s settings) *kae.Error {
		if (s["password"] == "") != (s["user"] == "") {
			return &kae.Error{Code: kae.Invalid, Field: "password", Message: "User and password belong together: give both, or neither."}
		}
		return nil
	},
	send:  sendEmail,
	where: "to",
}

// usualPorts are those of RFC 8314 for sending, and the one between servers.
var usualPorts = map[string]string{"starttls": "587", "tls": "465", "none": "25"}

func sendEmail(ctx context.Context, o *outside, s settings, m Message) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, o.patience())
	defer cancel()
	host, client, err := mailClient(ctx, o, s)
	if err != nil {
		return "", err
	}
	answer, lost, err := post(ctx, o, s, m, host, client)
	to, parseErr := netmail.ParseAddressList(s["to"])
	if !lost || parseErr != nil || len(to) < 2 {
		return answer, err
	}
	return postToEach(ctx, o, s, m, host, client, to)
}

// postToEach sends a mail to each recipient by itself: whoever left must not
// keep it from the others.
func postToEach(ctx context.Context, o *outside, s settings, m Message, host string, client *mail.Client, to []*netmail.Address) (string, error) {
	var taken, refused []string
	var last error
	for _, one := range to {
		alone := maps.Clone(s)
		alone["to"] = one.String()
		if answer, _, err := post(ctx, o, alone, m, host, client); err != nil {
			refused, last = append(refused, one.Address+": "+err.Error()), err
		} else {
			taken = append(taken, answer)
		}
	}
	if len(taken) == 0 {
		return "", last
	}
	return fmt.Sprintf("%s, but not for %s", taken[0], strings.Join(refused, "; ")), nil
}

// post sends a mail. lost tells that a recipient was refused for good, and with
// that all of them.
func post(ctx context.Context, o *outside, s settings, m Message, host string, client *mail.Client) (answer string, lost bool, err error) {
	letter, err := letterOf(o, s, m)
	if err != nil {
		return "", false, err
	}
	connection, err := client.DialToSMTPClientWithContext(ctx)
	connected := err == nil
	if connected {
		err = errors.Join(client.SendWithSMTPClient(connection, letter), client.CloseWithSMTPClient(connection))
	}
	// What the server took stays taken, although it did not say goodbye.
	if letter.IsDelivered() {
		return firstLine(letter.ServerResponse()), false, nil
	}
	if sent, ok := errors.AsType[*mail.SendError](err); ok && sent.ErrorCode() != 0 {
		text, _, _ := strings.Cut(sent.Error(), ", affected message ID")
		lost = sent.Reason == mail.ErrSMTPRcptTo && sent.ErrorCode() >= 500
		return "", lost, &Refused{Answer: host + " answered " + firstLine(text), Permanent: sent.ErrorCode() >= 500, Content: sent.ErrorCode() == 552 || sent.ErrorCode() == 554}
	}
	// RFC 5321, section 4.2.1: 5yz is for good, 4yz for now.
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return "", false, &Refused{Answer: host + " answered " + firstLine(answer.Error()), Permanent: answer.Code >= 500, Content: answer.Code == 552 || answer.Code == 554}
	}
	// The connection was closed for this, or timed out just before.
	if ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return "", false, fmt.Errorf("no answer from %s within %s: %w", host, o.patience(), cmp.Or(ctx.Err(), context.DeadlineExceeded))
	}
	err = fmt.Errorf("the mail can't be handed to %s: %w", host, err)
	if !connected { // it surely did not arrive
		err = &Refused{Answer: err.Error()}
	}
	return "", false, err
}

// patience is for how long kinds are waited for that take their time.
func (o *outside) patience() time.Duration { return o.Timeout * 3 / 2 }

func mailClient(ctx context.Context, o *outside, s settings) (host string, c *mail.Client, err error) {
	encryption := s["encryption"]
	if encryption == "" {
		encryption = "starttls"
	}
	host, port, err := net.SplitHostPort(s["server"])
	if err != nil {
		host, port = strings.Trim(s["server"], "[]"), usualPorts[encryption]
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return host, nil, err
	}
	secure := &tls.Config{ServerName: host, RootCAs: o.roots}
	options := []mail.Option{
		mail.WithPort(number), mail.WithTimeout(o.patience()), mail.WithTLSConfig(secure), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(_ context.Context, network, address string) (net.Conn, error) {
			return dialMail(ctx, o, network, address, encryption == "tls", secure)
		}),
	}
	switch encryption {
	case "tls":
		options = append(options, mail.WithSSL())
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s["user"] != "" {
		options = append(options, mail.WithUsername(s["user"]), mail.WithPassword(s["password"]),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5))
	}
	c, err = mail.NewClient(host, options...)
	return host, c, err
}

// dialMail connects. The library forgets ctx once it is connected, so that the
// connection itself ends with it.
func dialMail(ctx context.Context, o *outside, network, address string, encrypted bool, secure *tls.Config) (net.Conn, error) {
	conn, err := o.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	if !encrypted {
		return conn, nil
	}
	t := tls.Client(conn, secure)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return t, nil
}

// letterOf writes the mail. Those of one firing thread: all refer to a mail that
// was never sent, because the first may have gone out in company.
func letterOf(o *outside, s settings, m Message) (*mail.Msg, error) {
	said := m.say()
	from, err := netmail.ParseAddress(s["from"])
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	var page bytes.Buffer
	if err := letterPage.Execute(&page, said); err != nil {
		return nil, err
	}
	letter := mail.NewMsg()
	if err := errors.Join(letter.From(s["from"]), letter.ToFromString(s["to"])); err != nil {
		return nil, err
	}
	letter.Subject(said.Title)
	letter.SetDateWithValue(m.Sent)
	letter.SetMessageIDWithValue(dotAtom(m.Key) + "@" + domain)
	letter.SetUserAgent(o.Agent)
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody is to answer with a holiday
	var roots []string
	const mostRoots = 20
	for _, e := range m.Events[:min(len(m.Events), mostRoots)] {
		roots = append(roots, fmt.Sprintf("<kae-%d-%d@%s>", e.TokenID, e.since().Unix(), domain))
	}
	if len(roots) > 0 {
		letter.SetGenHeader(mail.HeaderReferences, strings.Join(roots, " "))
		letter.SetGenHeader(mail.HeaderInReplyTo, roots[0])
	}
	letter.SetBodyString(mail.TypeTextPlain, said.text()+"\n")
	letter.AddAlternativeString(mail.TypeTextHTML, page.String())
	return letter, nil
}

var plainAtom = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

// dotAtom gives a key as the left side of a Message-ID (RFC 5322, section 3.6.4).
func dotAtom(key string) string {
	if plainAtom.MatchString(key) && len(key) < 200 {
		return key
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(key)))
}

// letterPage is plain on purpose: mail programs take away most of what is more.
var letterPage = template.Must(template.New("letter").Parse(`<!DOCTYPE html>
<html><body style="font-family: sans-serif; line-height: 1.4">
<p style="font-size: 1.2em; border-left: 6px solid {{if .Firing}}#c62828{{else}}#2e7d32{{end}}; padding-left: 10px"><b>{{.Title}}</b></p>
{{- if .Test}}
<p>` + template.HTMLEscapeString(testWords) + `</p>{{end}}
{{- $n := len .Tales}}
{{- range $i, $t := .Tales}}{{if eq $n 1}}
<p>{{range .Facts}}{{.}}<br>
{{end}}</p>
{{- with .Output}}
<p>Its output ends with:</p>
<pre style="background: #f2f2f2; padding: 8px; white-space: pre-wrap">{{.}}</pre>{{end}}
{{- with .Runbook}}
<p style="white-space: pre-wrap">{{.}}</p>{{end}}
{{- with .Token.Tags}}
<p>Tags: {{range $i, $tag := .}}{{if $i}}, {{end}}{{$tag}}{{end}}</p>{{end}}
{{- with .URL}}
<p><a href="{{.}}">{{.}}</a></p>{{end}}
{{- with .AnswerURL}}
<p><a href="{{.}}">Acknowledge or snooze</a></p>{{end}}
{{- else if lt $i 30}}
<p>{{.Title}}{{with .URL}}<br><a href="{{.}}">{{.}}</a>{{end}}</p>
{{- else if eq $i 30}}
<p>and more: all of them are in kae</p>{{end}}{{end}}
</body></html>
`))

// notASCII is said of addresses that only some mail servers take (RFC 6531): one
// that does not would refuse every alert, for good.
const notASCII = "Write the address in ASCII: a domain such as münchen.example as xn--mnchen-3ya.example."

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

func isAddress(value string) string {
	if a, err := netmail.ParseAddress(value); err != nil || !strings.Contains(a.Address, "@") {
		return "Write one e-mail address, such as kae@example.com."
	} else if !isASCII(a.Address) {
		return notASCII
	}
	return ""
}

func isServer(value string) string {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		host, port = strings.Trim(value, "[]"), "25"
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, " /@") {
		return "Write the name of the SMTP server, such as smtp.example.com or smtp.example.com:2525."
	}
	return ""
}
