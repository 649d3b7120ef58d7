package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"kae"
)

var webhook = Kind{
	Name: "webhook", Label: "Webhook",
	About: "A request to any URL: the alert as JSON, or a body of your own.",
	Fields: []Field{
		{Name: "url", Label: "URL", Hint: "https://hooks.example.com/…", Secret: true, Required: true, check: isURL},
		{Name: "method", Label: "Method", Hint: "POST", Choices: methods},
		{Name: "headers", Label: "Headers", Hint: "Authorization: Bearer …, one a line", Secret: true, Long: true, check: isHeaders},
		{Name: "body", Label: "Body", Hint: `a template such as {"content": {{json .Title}}}; empty for kae's own JSON`, Long: true, check: isBody},
		{Name: "secret", Label: "Signing secret", Hint: "requests are signed with it; empty for none", Secret: true},
	},
	check: func(s settings) *kae.Error {
		if message := tryTemplate(s); message != "" {
			return &kae.Error{Code: kae.Invalid, Field: "body", Message: message}
		}
		return nil
	},
	send:  sendWebhook,
	where: "url",
}

func sendWebhook(ctx context.Context, o *outside, s settings, m Message) (string, error) {
	body, err := webhookBody(ctx, s["body"], payloadOf(m))
	switch {
	case ctx.Err() != nil:
		return "", err
	case err != nil:
		tooMuch := errors.Is(err, errMadeTooMuch) || errors.Is(err, errTookTooLong)
		return "", &Refused{Answer: err.Error(), Permanent: tooMuch, Content: tooMuch}
	}
	header := headersOf(s["headers"])
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	if s["secret"] != "" {
		sign(header, s["secret"], m.Key, time.Now(), body)
	}
	// Matrix, for one, takes the key in its path.
	to := strings.ReplaceAll(s["url"], "{key}", url.PathEscape(m.Key))
	got, err := o.ask(ctx, request{method: s["method"], url: to, key: m.Key, header: header, body: body})
	return got.String(), err
}

// plainJSON writes < and & as they are: they are read by programs, not put into
// a web page.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// sign adds the headers of Standard Webhooks, for which many languages have a
// library: https://www.standardwebhooks.com. The signature is HMAC-SHA256 over
// the message's key, the time in seconds and the body, with dots between them.
func sign(header http.Header, secret, key string, at time.Time, body []byte) {
	bytes := []byte(secret)
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			bytes = decoded
		}
	}
	mac := hmac.New(sha256.New, bytes)
	stamp := fmt.Sprint(at.Unix())
	fmt.Fprintf(mac, "%s.%s.%s", key, stamp, body)
	header.Set("Webhook-Id", key)
	header.Set("Webhook-Timestamp", stamp)
	header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

var methods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet, http.MethodDelete}

// What the sender sets itself, or HTTP needs.
var ownHeaders = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Idempotency-Key", "User-Agent", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}

func isHeaders(value string) string {
	for line := range strings.Lines(value) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, _, ok := readHeader(line)
		if !ok {
			return "Write each header on a line of its own, such as Authorization: Bearer …"
		}
		if slices.Contains(ownHeaders, name) {
			return "kae sets the header " + name + " itself."
		}
	}
	return ""
}

func readHeader(line string) (name, value string, ok bool) {
	name, value, found := strings.Cut(strings.TrimSpace(line), ":")
	value = strings.TrimSpace(value)
	const letters = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" // RFC 9110, section 5.6.2
	if !found || name == "" || strings.Trim(name, letters) != "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 127 }) {
		return "", "", false
	}
	return textproto.CanonicalMIMEHeaderKey(name), value, true
}

func headersOf(text string) http.Header {
	h := http.Header{}
	for line := range strings.Lines(text) {
		if name, value, ok := readHeader(line); ok {
			h.Add(name, value)
		}
	}
	return h
}
