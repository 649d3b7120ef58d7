package notify

// Kind is a kind of channel, and what a channel of it has to be told.
type Kind struct {
	Name   string // such as webhook: what [kae.Channel.Kind] says
	Label  string // such as Webhook
	About  string // a sentence: what it is for
	Fields []Field
}

// Field is one setting of a channel.
type Field struct {
	Name     string // in a channel's settings, and of the form's field
	Label    string
	Hint     string // what is to be written there
	Secret   bool   // once saved it is shown to nobody
	Required bool
	Long     bool // of several lines
}
