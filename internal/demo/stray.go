package demo

import "slices"

// Stray is a heartbeat with a value that no token has.
type Stray struct {
	Value, Remote, Agent string
}

// Strays are what lost processes send: one whose token was removed, one with a
// value that was not copied to its end, and one that was never set up.
func (s *Scene) Strays() []Stray {
	removed, cut := s.named("Christmas lights timer"), s.named("Offsite restic prune")
	return slices.Concat(
		slices.Repeat([]Stray{{"PUT-THE-TOKEN-HERE", "10.20.3.88", "Wget/1.25.0"}}, 3),
		[]Stray{{cut.token.Value[:19], cut.remote, "curl/8.14.1"}},
		[]Stray{{removed.token.Value, removed.remote, "curl/8.14.1"}},
	)
}

func (s *Scene) named(name string) *actor {
	return s.actors[slices.IndexFunc(s.actors, func(a *actor) bool { return a.name == name })]
}
