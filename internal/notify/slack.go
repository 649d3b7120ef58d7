package notify

import (
	"context"
	"encoding/json"
	"strings"
)

// Incoming webhooks, of Slack and of what takes its format:
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
// https://developers.mattermost.com/integrate/webhooks/incoming/
// https://docs.rocket.chat/docs/integrations
var slack = Kind{
	Name: "slack", Label: "Slack",
	About:  "An incoming webhook of Slack, Mattermost or Rocket.Chat.",
	Fields: []Field{{Name: "url", Label: "Webhook URL", Hint: "https://hooks.slack.com/services/…", Secret: true, Required: true, check: isURL}},
	send:   sendSlack,
	where:  "url",
}

type slackMessage struct {
	Text        string            `json:"text"`
	Attachments []slackAttachment `json:"attachments"`
}

type slackAttachment struct {
	Color    string   `json:"color"`
	Fallback string   `json:"fallback"`
	Text     string   `json:"text"`
	Markdown []string `json:"mrkdwn_in"`
}

func sendSlack(ctx context.Context, o *outside, s settings, m Message) (string, error) {
	said := m.say()
	color := "#2e7d32"
	if said.Firing {
		color = "#c62828"
	}
	// Slack shows some 8,000 characters of an attachment.
	text := slackText.Replace(clip(said.marked(), 7_000))
	got, err := o.postJSON(ctx, s["url"], m.Key, nil, slackMessage{
		Text:        slackText.Replace(said.Title),
		Attachments: []slackAttachment{{Color: color, Fallback: slackText.Replace(said.Title), Text: text, Markdown: []string{"text"}}},
	})
	if err != nil {
		return "", err
	}
	if !slackTook(got.body) {
		return "", otherwise(s["url"], got)
	}
	return got.String(), nil
}

// slackTook tells whether the answer accepts: “ok” with Slack and Mattermost,
// {"success":true} with Rocket.Chat.
func slackTook(body string) bool {
	var rocket struct{ Success bool }
	return strings.TrimSpace(body) == "ok" || json.Unmarshal([]byte(body), &rocket) == nil && rocket.Success
}

// slackText escapes what Slack reads as its own, and what calls everybody in
// Mattermost and Rocket.Chat: a job's output may hold it by chance.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@channel", "@\u200bchannel", "@here", "@\u200bhere", "@all", "@\u200ball", "@everyone", "@\u200beveryone")

// marked is text with the output as a block of code.
func (t told) marked() string {
	if len(t.Tales) != 1 || t.Tales[0].Output == "" {
		return t.text()
	}
	one := t.Tales[0]
	output := one.Output
	one.Output = ""
	t.Tales = []tale{one}
	return t.text() + "\n```\n" + strings.ReplaceAll(output, "```", "'''") + "\n```"
}
