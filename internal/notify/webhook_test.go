package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"testing"
)

func TestWebhook(t *testing.T) {
	r := receive(t, answering(200, "thanks\n"), "Content-Type", "Idempotency-Key", "User-Agent")
	golden(t, "webhook", sentBy(t, r, open(t, "webhook", Options{Agent: "kae/1.2"}, "url", r.URL+"/hook?a=b"), "missed", "failed", "recovered", "mixed", "test"))
}

func TestWebhookWithATemplate(t *testing.T) {
	r := receive(t, answering(204, ""), "Content-Type", "X-Key", "Authorization")
	s := open(t, "webhook", Options{}, "url", r.URL, "method", "PUT", "headers", "x-key: 1\r\nx-key: 2\nAuthorization: Bearer abcdef\n",
		"body", `{"content": {{json .Title}}{{range .Alerts}}, "color": {{if .Firing}}1{{else}}2{{end}}{{end}}}`)
	golden(t, "webhook-template", sentBy(t, r, s, "failed", "recovered"))
}

// Whoever has the secret can tell that a request is kae's and of now.
func TestWebhookIsSigned(t *testing.T) {
	key := []byte("thirty-two bytes, more or less")
	for _, secret := range []string{string(key), "whsec_" + base64.StdEncoding.EncodeToString(key)} {
		ok := false
		var body []byte
		s, err := Open("webhook", map[string]string{"secret": secret, "url": receiveRaw(t, func(req *http.Request) {
			body, _ = io.ReadAll(req.Body)
			mac := hmac.New(sha256.New, key)
			io.WriteString(mac, req.Header.Get("Webhook-Id")+"."+req.Header.Get("Webhook-Timestamp")+"."+string(body))
			ok = req.Header.Get("Webhook-Signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
			ok = ok && req.Header.Get("Webhook-Id") == req.Header.Get("Idempotency-Key")
		})}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := send(t, s); err != nil || !ok {
			t.Errorf("%s: %v, signed %t", secret, err, ok)
		}
	}
}
