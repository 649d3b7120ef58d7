package notify

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// A bot that writes into a chat: https://core.telegram.org/bots/api#sendmessage
var telegram = Kind{
	Name: "telegram", Label: "Telegram",
	About: "A message of your bot in a chat, a group or a channel.",
	Fields: []Field{
		{Name: "token", Label: "Bot token", Hint: "123456:ABC-…, from @BotFather", Secret: true, Required: true, check: isBot},
		{Name: "chat", Label: "Chat", Hint: "-1001234567890 or @name; behind a colon the topic, if it has any", Required: true, check: isChat},
		{Name: "server", Label: "Server", Hint: "https://api.telegram.org", check: isPlainURL},
	},
	send:  sendTelegram,
	where: "chat",
}

type telegramMessage struct {
	Chat     any              `json:"chat_id"`
	Topic    int64            `json:"message_thread_id,omitempty"`
	Text     string           `json:"text"`
	Entities []telegramEntity `json:"entities"`
	Preview  map[string]bool  `json:"link_preview_options"`
}

// telegramEntity is how a part of the text looks. Unlike Markdown and HTML it
// can't be broken by what the text says.
type telegramEntity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"` // in units of UTF-16
	Length int    `json:"length"`
}

func sendTelegram(ctx context.Context, o *outside, s settings, m Message) (string, error) {
	said := m.say()
	mark := "✅ "
	if said.Firing {
		mark = "🚨 "
	}
	title := mark + said.Title
	chat, topic, _ := strings.Cut(s["chat"], ":")
	t := telegramMessage{
		Chat: chat, Text: clip(title+"\n\n"+said.text(), 4_000), // of 4,096 characters
		Entities: []telegramEntity{{"bold", 0, len(utf16.Encode([]rune(title)))}},
		Preview:  map[string]bool{"is_disabled": true},
	}
	if id, err := strconv.ParseInt(chat, 10, 64); err == nil {
		t.Chat = id
	}
	t.Topic, _ = strconv.ParseInt(topic, 10, 64)
	server := s["server"]
	if server == "" {
		server = "https://api.telegram.org"
	}
	got, err := o.postJSON(ctx, strings.TrimRight(server, "/")+"/bot"+s["token"]+"/sendMessage", m.Key, nil, t)

	// https://core.telegram.org/bots/api#making-requests
	var answer struct {
		OK          bool
		Description string
		Parameters  struct {
			RetryAfter int `json:"retry_after"`
		}
	}
	read := json.Unmarshal([]byte(got.body), &answer)
	if refused, ok := errors.AsType[*Refused](err); ok && read == nil {
		if answer.Description != "" {
			refused.Answer = hostOf(server) + " answered " + got.status + ": " + firstLine(answer.Description)
		}
		refused.After = max(refused.After, min(time.Duration(answer.Parameters.RetryAfter)*time.Second, maxRetryAfter))
	}
	switch {
	case err != nil:
		return "", err
	case read != nil || !answer.OK:
		return "", otherwise(server, got)
	}
	return got.status, nil
}

var (
	botToken = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]{10,}$`)
	chatName = regexp.MustCompile(`^(-?[0-9]+|@[A-Za-z0-9_]+)(:[0-9]+)?$`)
)

func isBot(value string) string {
	if !botToken.MatchString(value) {
		return "A bot's token is a number, a colon and some letters: @BotFather tells it."
	}
	return ""
}

func isChat(value string) string {
	if !chatName.MatchString(value) {
		return "A chat is a number such as -1001234567890, or the @name of a public one."
	}
	return ""
}
