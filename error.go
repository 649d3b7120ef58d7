package kae

import "errors"

// Code says what kind of error it is, for programs.
type Code string

// The codes. Whatever has none is [Internal].
const (
	Invalid     Code = "invalid"     // the input is wrong; Message says how to mend it
	NotFound    Code = "not_found"   // there is no such token, or it was removed
	Unavailable Code = "unavailable" // kae can't do it now; the same request may succeed later
	Refused     Code = "refused"     // the token does not take heartbeats that come in this way
	Internal    Code = "internal"    // a fault of kae's
)

// Error is an error with a code for the machine, a sentence for the person and
// a cause for the log. It holds no token's value.
type Error struct {
	Code    Code
	Message string // a sentence that may be shown to whoever asked
	Field   string // the form field that caused it, if one did
	Err     error  // the cause, for the log only; may be nil
}

// Error gives the sentence and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorCode gives the code of the first [Error] in err's chain, else [Internal].
func ErrorCode(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

func invalid(field, message string) *Error {
	return &Error{Code: Invalid, Field: field, Message: message}
}
