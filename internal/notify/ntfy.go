package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Publishing as JSON, at ntfy.sh or a server of one's own:
// https://docs.ntfy.sh/publish/#publish-as-json
var ntfy = Kind{
	Name: "ntfy", Label: "ntfy",
	About: "A push message to phones and browsers, by ntfy.sh or a server of your own.",
	Fields: []Field{
		{Name: "url", Label: "Topic URL", Hint: "https://ntfy.sh/your-topic", Secret: true, Required: true, check: isTopic},
		{Name: "token", Label: "Access token", Hint: "tk_…; empty for a topic that is open to all", Secret: true, check: isWord},
	},
	send:  sendNtfy,
	where: "url",
}

type ntfyMessage struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"` // 3 is the usual, 4 is high
	Tags     []string `json:"tags"`     // the names of emojis
	Click    string   `json:"click,omitempty"`

	Actions []ntfyAction `json:"actions,omitempty"`
}

// ntfyAction is a button under the message: https://docs.ntfy.sh/publish/#action-buttons
type ntfyAction struct {
	Action string `json:"action"`
	Label  string `json:"label"`
	URL    string `json:"url"`
}

func sendNtfy(ctx context.Context, o *outside, s settings, m Message) (string, error) {
	said := m.say()
	server, topic := splitTopic(s["url"])
	// Longer messages than 4,096 bytes become attachments.
	n := ntfyMessage{Topic: topic, Title: clip(said.Title, 250), Message: clip(said.text(), 3_800), Priority: 3, Tags: []string{"white_check_mark"}}
	if said.Firing {
		n.Priority, n.Tags = 4, []string{"rotating_light"}
	}
	if len(said.Tales) == 1 {
		n.Click = said.Tales[0].URL
		if answer := said.Tales[0].AnswerURL; answer != "" {
			n.Actions = []ntfyAction{{"view", "Acknowledge or snooze", answer}}
		}
	}
	header := http.Header{}
	if s["token"] != "" {
		header.Set("Authorization", "Bearer "+s["token"])
	}
	got, err := o.postJSON(ctx, server, m.Key, header, n)
	if err != nil {
		return "", err
	}
	// What answers otherwise is not ntfy: https://docs.ntfy.sh/subscribe/api/#json-message-format
	var published struct{ ID, Event string }
	if json.Unmarshal([]byte(got.body), &published) != nil || published.ID == "" || published.Event != "message" {
		return "", otherwise(s["url"], got)
	}
	return got.status, nil
}

// splitTopic gives the server's URL and the topic, which is the last part of
// the path.
func splitTopic(text string) (server, topic string) {
	u, err := url.Parse(text)
	if err != nil {
		return "", ""
	}
	path := strings.TrimRight(u.Path, "/")
	i := strings.LastIndexByte(path, '/')
	topic = path[i+1:]
	u.Path, u.RawPath, u.RawQuery = path[:max(i, 0)]+"/", "", ""
	return u.String(), topic
}

func isTopic(value string) string {
	if message := isURL(value); message != "" {
		return message
	}
	if _, topic := splitTopic(value); topic == "" {
		return "The URL ends in the topic, such as https://ntfy.sh/your-topic."
	}
	return ""
}
